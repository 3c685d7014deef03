package claytest

var (
	failureShape = object(fields{"message": textShape})

	// batchEndShape is how a bulk run ends.
	batchEndShape = either(
		object(fields{"routine_run_id": textShape, "status": one("validation_failed"), "error": object(fields{
			"message": textShape, "total_invalid_rows": number,
			"details": list(object(fields{"line_number": number, "field": textShape, "message": textShape}), 0, 100),
		})}),
		object(fields{"routine_run_id": textShape, "status": one("processing_failed"), "error": failureShape}),
		object(fields{
			"routine_run_id": textShape, "total": number, "finished": number,
			"status": one("complete"), "result_url": textShape,
		}),
	)

	sourceShape  = one("people", "companies")
	filtersShape = object(fields{"source_type": sourceShape, "filters": dict(anything)})
	pageShape    = object(fields{"limit?": whole(1, 500)})
	quotaShape   = object(fields{"limit": number, "used": number, "remaining": number, "resets_at": textShape})

	personShape = object(fields{
		"clay_profile_id": number, "name": orNull(textShape), "first_name": orNull(textShape), "last_name": orNull(textShape),
		"location": object(fields{"name": orNull(textShape), "city": orNull(textShape), "state_or_province": orNull(textShape)}),
		"matched_experiences": list(object(fields{
			"company": orNull(textShape), "title": orNull(textShape), "location": orNull(textShape),
			"start_date": orNull(textShape), "end_date": orNull(textShape),
		}), 0, lots),
	})
	companyShape = object(fields{
		"clay_company_id": number, "name": orNull(textShape), "size": orNull(textShape), "type": orNull(textShape),
		"domain": orNull(textShape), "country": orNull(textShape), "industry": orNull(textShape), "location": orNull(textShape),
		"description": orNull(textShape), "linkedin_url": orNull(textShape), "annual_revenue": orNull(textShape),
		"total_funding_amount_range_usd": orNull(number),
	})

	searchFieldsShape = object(fields{
		"source_type": sourceShape,
		"fields": list(object(fields{
			"name": textShape, "type": textShape, "description?": textShape, "allowed_values?": list(textShape, 0, lots),
		}), 0, lots),
		"guidance": object(fields{
			"behavior":         list(textShape, 0, lots),
			"field_guidance":   list(object(fields{"id": textShape, "text": textShape, "fields?": list(textShape, 0, lots)}), 0, lots),
			"create_examples?": list(object(fields{"intent": textShape, "request": filtersShape}), 0, lots),
		}),
	})
)

// foundShape is a page of a search by query.
func foundShape(source string, record shape) shape {
	return object(fields{
		"source_type": one(source), "data": list(record, 0, lots), "has_more": boolean,
		"exhaustion_reason?": one("query_limit", "no_more_results"), "period_quota?": quotaShape,
	})
}

// The shapes of a table query.
var (
	pathShape      = list(named, 1, 5)
	predicateShape = object(fields{
		"field": named, "path?": pathShape,
		"op": one("=", "!=", ">", ">=", "<", "<=", "contains", "not_contains", "starts_with", "ends_with",
			"in", "not_in", "is_empty", "is_not_empty"),
		"value?": either(textShape, number, boolean, list(either(textShape, number), 0, lots)),
	})
	tableQueryShape = object(fields{
		"limit?": whole(1, 100), "cursor?": textShape,
		"query": object(fields{
			"tables":      list(object(fields{"id": named, "alias?": textShape}), 1, 5),
			"field_mode?": one("names", "ids"),
			"filter?":     filterShape,
			"group_by?":   list(named, 0, 5),
			"join?": list(object(fields{
				"table": named, "type?": one("inner", "left"), "on": object(fields{"left": named, "right": named}),
			}), 0, 4),
			"order_by?": list(object(fields{"field": named, "direction?": one("asc", "desc")}), 0, 3),
			"select?": list(either(
				object(fields{"fn": one("count", "sum", "avg", "max", "min"), "field": named, "as": named, "path?": pathShape}),
				object(fields{"field": named, "as?": textShape, "table?": textShape, "path?": pathShape}),
			), 0, 20),
		}),
	})
	cellShape = either(
		object(fields{"status": one("success"), "fields": orNull(dict(anything)), "value?": anything, "is_stale?": isTrue}),
		object(fields{"status": one("error"), "error?": textShape}),
		object(fields{"status": one("empty", "running", "queued", "retry", "rate_limited", "awaiting_callback")}),
	)
	tableRowsShape = object(fields{
		"data": list(dict(cellShape), 0, lots), "cursor?": textShape,
		"fields?": dict(object(fields{"id": textShape, "name": textShape, "type": textShape})),
	})
)

// filterShape is a function because filters hold filters.
func filterShape(at string, v any) string {
	several := list(filterShape, 1, 10)
	return either(
		object(fields{"and": several}), object(fields{"or": several}), object(fields{"not": filterShape}), predicateShape,
	)(at, v)
}
