package clay_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/clay/claytest"
)

var everybody = clay.TableQuery{Tables: []clay.TableRef{{ID: "t_people"}}}

func TestQuery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := emulate(t, claytest.Options{}, clay.Config{})
		all := c.Query(t.Context(), everybody, clay.QueryOptions{})
		if rows, err := collect(all); err != nil || len(rows) != 230 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		rows, err := collect(all) // once more, from the beginning
		if err != nil || len(rows) != 230 || requests(s) != 6 {
			t.Fatalf("%d rows, %d requests, %v", len(rows), requests(s), err)
		}
		kinds := map[string]int{}
		for _, r := range rows {
			var email string
			if err := r["Email"].Decode(&email); err != nil || !strings.Contains(email, "@") || len(r) != 6 {
				t.Errorf("%+v, %v", r, err)
			}
			for _, cell := range r {
				kinds[cell.Status]++
				title := "untouched"
				if err := cell.Decode(&title); err != nil || (cell.Status == clay.CellSuccess) == (title == "untouched") {
					t.Errorf("%+v: %q, %v", cell, title, err)
				}
				if cell.Pending() && (cell.Status == clay.CellSuccess || cell.Status == clay.CellError || cell.Status == clay.CellEmpty) {
					t.Errorf("%+v is pending", cell)
				}
				if cell.Status == clay.CellError && cell.Error == "" {
					t.Errorf("%+v", cell)
				}
			}
		}
		if len(kinds) != 8 { // success, error, empty and five that are pending
			t.Errorf("%v", kinds)
		}
	})
}

// Rows that were updated during the scan come again; they are yielded once.
func TestRepeatedRowsAreLeftOut(t *testing.T) {
	for name, tc := range map[string]struct {
		opts clay.QueryOptions
		q    clay.TableQuery
		want int
	}{
		"left out":      {clay.QueryOptions{PageSize: 50}, everybody, 230},
		"kept":          {clay.QueryOptions{PageSize: 50, KeepRepeats: true}, everybody, 234},
		"by e-mail":     {clay.QueryOptions{PageSize: 50, IDField: "Email"}, everybody, 230},
		"by no field":   {clay.QueryOptions{PageSize: 50, IDField: "Fax"}, everybody, 234},
		"id not chosen": {clay.QueryOptions{PageSize: 50}, clay.TableQuery{Tables: everybody.Tables, Select: []clay.SelectField{{Field: "Company", As: "c"}}}, 234},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, c := emulate(t, claytest.Options{PublicAPI: claytest.PublicAPI{Repeats: true}}, clay.Config{})
				rows, err := collect(c.Query(t.Context(), tc.q, tc.opts))
				if err != nil || len(rows) != tc.want {
					t.Errorf("%d rows, want %d, %v", len(rows), tc.want, err)
				}
			})
		})
	}
}

// Joins and groups may have the same id in rows that differ: those are not repeats.
func TestRowsOfJoinsAreNotTakenForRepeats(t *testing.T) {
	c := filesClientOf(t, `{"data":[{"id":{"status":"success","value":"r_1"}},{"id":{"status":"success","value":"r_1"}}]}`)
	for want, q := range map[int]clay.TableQuery{
		1: everybody,
		2: {Tables: []clay.TableRef{{ID: "t_1"}, {ID: "t_2"}}, Joins: []clay.TableJoin{{Table: "t_2", On: clay.JoinOn{Left: "a", Right: "b"}}}},
	} {
		if rows, err := collect(c.Query(t.Context(), q, clay.QueryOptions{})); err != nil || len(rows) != want {
			t.Errorf("%d rows, want %d, %v", len(rows), want, err)
		}
	}
}

// filesClientOf is a client to which everything is answered with the same.
func filesClientOf(t *testing.T, body string) *clay.Client {
	t.Helper()
	c, err := clay.New(clay.Config{PublicAPIKey: apiKey, Transport: canned{200, []byte(body)}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestQueryPageAndFilters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := emulate(t, claytest.Options{}, clay.Config{})
		q := everybody
		q.Filter = &clay.TableFilter{And: []clay.TableFilter{
			{Field: "Email", Op: "ends_with", Value: ".com"},
			{Not: &clay.TableFilter{Field: "Title", Op: "is_empty"}},
			{Or: []clay.TableFilter{{Field: "Company", Op: "in", Value: []string{"", "x"}}, {Field: "Company", Op: "is_not_empty"}}},
		}}
		q.Select = []clay.SelectField{{Field: "Title", As: "job"}, {Field: "f_id"}}
		page, err := c.QueryPage(t.Context(), q, clay.QueryOptions{PageSize: 10})
		if err != nil || len(page.Rows) != 10 || page.Cursor == "" || page.Fields["job"].Name != "Title" || page.Fields["f_id"].ID != "f_id" {
			t.Fatalf("%+v, %v", page, err)
		}
		for _, r := range page.Rows {
			if r["job"].Status != clay.CellSuccess || len(r) != 2 {
				t.Errorf("%+v", r)
			}
		}
		next, err := c.QueryPage(t.Context(), q, clay.QueryOptions{PageSize: 10, Cursor: page.Cursor})
		if err != nil || string(next.Rows[0]["f_id"].Value) == string(page.Rows[0]["f_id"].Value) {
			t.Errorf("%+v, %v", next, err)
		}
	})
}

func TestQueryErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := emulate(t, claytest.Options{}, clay.Config{})
		for name, tc := range map[string]struct {
			q      clay.TableQuery
			size   int
			kind   clay.Kind
			status int
		}{
			"no table":      {clay.TableQuery{}, 0, clay.KindInvalid, 0},
			"large pages":   {everybody, 101, clay.KindInvalid, 0},
			"another's":     {clay.TableQuery{Tables: []clay.TableRef{{ID: "x"}}}, 0, clay.KindNotFound, 404},
			"unknown field": {clay.TableQuery{Tables: everybody.Tables, Filter: &clay.TableFilter{Field: "Fax", Op: "="}}, 0, clay.KindInvalid, 422},
			"unknown op":    {clay.TableQuery{Tables: everybody.Tables, Filter: &clay.TableFilter{Field: "Email", Op: "~"}}, 0, clay.KindInvalid, 400},
			"empty filter":  {clay.TableQuery{Tables: everybody.Tables, Filter: &clay.TableFilter{}}, 0, clay.KindInvalid, 400},
		} {
			_, err := c.QueryPage(t.Context(), tc.q, clay.QueryOptions{PageSize: tc.size})
			if e := failed(t, err, tc.kind); e.Status != tc.status || e.Hint == "" {
				t.Errorf("%s: %v", name, err)
			}
		}
		_ = s.SetFaults(claytest.Fault{Kind: claytest.DropAfter, Count: 2}, claytest.Fault{Kind: claytest.Answer, Status: []int{403}})
		_, err := c.QueryPage(t.Context(), everybody, clay.QueryOptions{})
		if e := failed(t, err, clay.KindForbidden); len(e.Attempts) != 3 || !strings.Contains(e.Hint, "Enterprise") {
			t.Error(err)
		}
	})
	for body, kind := range map[string]clay.Kind{`{}`: clay.KindBadAnswer, `[]`: clay.KindBadAnswer, `{"data":[{"id":7}]}`: clay.KindBadAnswer} {
		_, err := filesClientOf(t, body).QueryPage(t.Context(), everybody, clay.QueryOptions{})
		failed(t, err, kind)
	}
	rows, err := collect(filesClientOf(t, `{"data":[{"a":{"status":"new","more":1}}],"cursor":"round"}`).Query(t.Context(), everybody, clay.QueryOptions{}))
	if failed(t, err, clay.KindBadAnswer); len(rows) != 2 || rows[0]["a"].Pending() {
		t.Errorf("%v, %v", rows, err)
	}
}

func FuzzCells(f *testing.F) {
	f.Add([]byte(`{"data":[{"a":{"status":"success","value":1,"fields":{"x":null},"is_stale":true}}]}`))
	f.Add([]byte(`{"data":[],"fields":{"a":{}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		page, err := filesClientOf(t, string(body)).QueryPage(t.Context(), everybody, clay.QueryOptions{})
		if err == nil && !json.Valid(body) || err != nil && len(page.Rows) > 0 {
			t.Fatalf("%+v, %v", page, err)
		}
	})
}
