package claytest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// tableColumns are the fields of every table.
var tableColumns = []string{"id", "Email", "Name", "Title", "Company", "Location"}

// tableQuery is as much of a query as is evaluated here.
type tableQuery struct {
	Tables    []struct{ ID string }
	FieldMode string `json:"field_mode"`
	Filter    map[string]any
	Select    []struct{ Field, As, Fn, Table string }
	Join      []any
	GroupBy   []any `json:"group_by"`
	OrderBy   []any `json:"order_by"`
}

// queryTables answers with a page of rows, which are made up. Tables are those whose
// id begins with t_. Joins, groups, aggregates and orders are refused with 422.
func (s *Server) queryTables(a *arrival) answer {
	in := input[struct {
		Query  tableQuery
		Limit  int
		Cursor string
	}](a)
	q := in.Query
	for _, t := range q.Tables {
		if !strings.HasPrefix(t.ID, "t_") {
			return apiError(http.StatusNotFound, "Table not found")
		}
	}
	fields, why := q.fields()
	if why != "" {
		return apiError(http.StatusUnprocessableEntity, why)
	}
	offset := 0
	if in.Cursor != "" {
		if offset, why = offsetOf(in.Cursor); why != "" {
			return apiError(http.StatusBadRequest, why)
		}
	}
	if in.Limit == 0 {
		in.Limit = 50
	}
	out := struct {
		Data   []map[string]any          `json:"data"`
		Fields map[string]map[string]any `json:"fields"`
		Cursor string                    `json:"cursor,omitempty"`
	}{Data: []map[string]any{}, Fields: map[string]map[string]any{}}
	for name, column := range fields {
		out.Fields[name] = map[string]any{"id": fieldID(column), "name": column, "type": "text"}
	}
	rows := s.matching(q)
	if s.opt.PublicAPI.Repeats && offset > 0 && offset <= len(rows) {
		out.Data = append(out.Data, project(rows[offset-1], fields))
		in.Limit--
	}
	end := min(offset+in.Limit, len(rows))
	for _, row := range rows[min(offset, end):end] {
		out.Data = append(out.Data, project(row, fields))
	}
	if end < len(rows) {
		out.Cursor = cursorTo(end)
	}
	return answer{status: http.StatusOK, body: encode(out)}
}

func fieldID(column string) string { return "f_" + strings.ToLower(column) }

// columnNamed finds a field by its name or id.
func columnNamed(field string) (name string, known bool) {
	i := slices.IndexFunc(tableColumns, func(c string) bool { return c == field || fieldID(c) == field })
	if i < 0 {
		return "", false
	}
	return tableColumns[i], true
}

// fields maps the names in the result to columns.
func (q *tableQuery) fields() (fields map[string]string, why string) {
	if len(q.Tables) > 1 || len(q.Join) > 0 || len(q.GroupBy) > 0 || len(q.OrderBy) > 0 {
		return nil, "The emulator reads one table at a time, without joins, groups and orders"
	}
	fields = map[string]string{}
	if len(q.Select) == 0 {
		for _, c := range tableColumns {
			name := c
			if q.FieldMode == "ids" {
				name = fieldID(c)
			}
			fields[name] = c
		}
	}
	for _, sel := range q.Select {
		c, known := columnNamed(sel.Field)
		if !known || sel.Fn != "" {
			return nil, fmt.Sprintf("Unknown field %q, or an aggregate, which the emulator does not compute", sel.Field)
		}
		name := sel.Field
		or(&sel.As, name)
		fields[sel.As] = c
	}
	return fields, q.unknownIn(q.Filter)
}

// unknownIn names a field of the filter that does not exist.
func (q *tableQuery) unknownIn(filter map[string]any) string {
	if field, ok := filter["field"].(string); ok {
		if _, known := columnNamed(field); !known {
			return fmt.Sprintf("Unknown field %q", field)
		}
	}
	for _, inner := range inside(filter) {
		if why := q.unknownIn(inner); why != "" {
			return why
		}
	}
	return ""
}

// inside are the filters that a filter is made of.
func inside(filter map[string]any) (list []map[string]any) {
	for _, name := range []string{"and", "or"} {
		several, _ := filter[name].([]any)
		for _, f := range several {
			list = append(list, f.(map[string]any))
		}
	}
	if not, ok := filter["not"].(map[string]any); ok {
		list = append(list, not)
	}
	return list
}

// matching are the table's rows, as cells by column, as far as the filter lets them.
func (s *Server) matching(q tableQuery) (rows []map[string]any) {
	for i := range s.opt.PublicAPI.TableRows {
		if row := s.tableRow(q.Tables[0].ID, i); matches(q.Filter, row) {
			rows = append(rows, row)
		}
	}
	return rows
}

// tableRow makes a row up: its cells are in all states there are.
func (s *Server) tableRow(table string, i int) map[string]any {
	email := fmt.Sprintf("%s.%s%d@%s-%s.com", pick(hash(s.opt.Seed, table+"first", i), firstNames), pick(hash(s.opt.Seed, table+"last", i), lastNames),
		i, pick(hash(s.opt.Seed, table+"a", i), companyFirsts), pick(hash(s.opt.Seed, table+"b", i), companySeconds))
	email = strings.ToLower(email)
	person, _ := s.Enricher().Person(map[string]any{"email": email})
	row := map[string]any{
		"id": success(fmt.Sprintf("r_%016x", hash(s.opt.Seed, table, i))), "Email": success(email),
		"Name": success(person["name"]), "Title": success(person["title"]),
		"Company": success(person["company"]), "Location": success(person["location"]),
	}
	if i%10 == 3 {
		row["Title"] = map[string]any{"status": "error", "error": "The provider failed"}
	}
	if i%10 == 7 {
		row["Company"] = map[string]any{"status": pendingStates[i/10%len(pendingStates)]}
	}
	return row
}

var pendingStates = []string{"running", "queued", "retry", "rate_limited", "awaiting_callback"}

// success is a cell with a value; null makes an empty one.
func success(value any) map[string]any {
	if value == nil {
		return map[string]any{"status": "empty"}
	}
	return map[string]any{"status": "success", "value": value, "fields": nil}
}

func project(row map[string]any, fields map[string]string) map[string]any {
	out := make(map[string]any, len(fields))
	for name, column := range fields {
		out[name] = row[column]
	}
	return out
}
