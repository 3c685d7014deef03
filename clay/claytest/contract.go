package claytest

import (
	"math"
	"net/http"
)

// contract is what an operation of the Public API takes and answers, written down
// from the facts of Clay's OpenAPI document (docs/clay.md, "The Public API").
// The server holds every request and every answer of its own against it.
type contract struct {
	request shape         // nil: no body is looked at
	answers map[int]shape // by status
}

const lots = math.MaxInt

var (
	errorShape = object(fields{"message": textShape})

	startedShape = object(fields{"routine_run_id": textShape, "status": one("in_progress")})
	webhookShape = textOf(1, 64)

	progressShape = object(fields{
		"routine_run_id": textShape, "total": number, "finished": number, "status": one("in_progress"),
	})
	itemShape = object(fields{
		"id": textShape, "status": one("complete", "failed"), "result?": dict(anything),
		"error?": object(fields{"message": textShape}),
	})
	completeShape = object(fields{
		"routine_run_id": textShape, "total": number, "finished": number, "status": one("complete"),
		"data": list(itemShape, 0, lots), "cursor?": textShape,
	})
)

// contracts are those of all operations, by method and path.
var contracts = map[string]contract{
	"GET /me": read(object(fields{
		"user":      object(fields{"id": textShape, "name": orNull(textShape), "cli_onboarded?": boolean}),
		"workspace": object(fields{"id": textShape}),
	}), 401, 403, 429),
	"GET /credits/balance": read(object(fields{"balance": number, "action_execution_balance?": number}), 401, 403, 429),

	"POST /routines/{routine}/run": {
		request: object(fields{
			"items":       list(object(fields{"id": textOf(1, 64), "inputs": dict(anything)}), 1, 100),
			"webhook_id?": webhookShape,
		}),
		answers: answers(map[int]shape{202: startedShape}, 400, 401, 403, 404, 429),
	},
	"GET /routines/run/{run}/results": {
		answers: answers(map[int]shape{200: completeShape, 202: progressShape}, 400, 401, 404, 429),
	},
	"POST /routines/{routine}/run-batch/upload-url": {
		answers: answers(map[int]shape{200: object(fields{"upload_url": textShape, "file_id": textShape})}, 400, 401, 403, 404, 429),
	},
	"POST /routines/{routine}/run-batch/start": {
		request: object(fields{"file_id": textShape, "webhook_id?": webhookShape}),
		answers: answers(map[int]shape{202: startedShape}, 400, 401, 403, 404, 429),
	},
	"GET /routines/run-batch/{run}/results": {
		answers: answers(map[int]shape{200: batchEndShape, 202: progressShape}, 400, 401, 404, 429),
	},
	"POST /search/filters-mode": {
		request: filtersShape,
		answers: answers(map[int]shape{200: object(fields{"search_id": textShape})}, 400, 401, 402, 403, 404, 429),
	},
	"GET /search/filters-mode/fields": read(searchFieldsShape, 400, 401, 403, 429),
	"POST /search/filters-mode/{search}/run": {
		request: pageShape,
		answers: answers(map[int]shape{200: object(fields{
			"data": list(dict(anything), 0, lots), "has_more": boolean, "period_quota?": quotaShape,
		})}, 400, 401, 402, 403, 404, 413, 429),
	},
	"POST /search/query-mode": {
		request: object(fields{"query": named}),
		answers: answers(map[int]shape{200: object(fields{"search_id": textShape, "source_type": sourceShape})}, 400, 401, 402, 403, 404, 429),
	},
	"GET /search/query-mode/reference": read(object(fields{"reference": textShape}), 400, 401, 403, 429),
	"POST /search/query-mode/{search}/run": {
		request: pageShape,
		answers: answers(map[int]shape{200: either(foundShape("people", personShape), foundShape("companies", companyShape))}, 400, 401, 402, 403, 404, 429),
	},
	"POST /tables/query": {
		request: tableQueryShape,
		answers: answers(map[int]shape{200: tableRowsShape}, 400, 401, 403, 404, 422, 429),
	},
}

func read(body shape, failures ...int) contract {
	return contract{answers: answers(map[int]shape{http.StatusOK: body}, failures...)}
}

// answers adds the statuses whose body is an error.
func answers(of map[int]shape, failures ...int) map[int]shape {
	for _, status := range failures {
		of[status] = errorShape
	}
	return of
}
