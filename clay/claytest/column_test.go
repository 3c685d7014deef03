package claytest_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/clay/claytest"
)

const janeRow = `{"claygate_id":"r1.1.t","email":"jane.doe@acme.com","n":2.50,"nested":{"a":{"b":"c"}},"a.b":"flat","quote":"a\"b<é>"}`

// What a column sends for a row.
func TestColumnBody(t *testing.T) {
	jane, _ := claytest.Enrich(0, map[string]any{"email": "jane.doe@acme.com"})
	enriched := fmt.Sprintf(`"name":"Jane Doe","title":%q,"company":"Acme","linkedin_url":%q,"location":%q`,
		jane["title"], jane["linkedin_url"], jane["location"])
	for name, tt := range map[string]struct {
		column claytest.Column
		row    string
		want   string
	}{
		"default":             {row: janeRow, want: `{"claygate_id":"r1.1.t",` + enriched + `}`},
		"other id":            {column: claytest.Column{IDField: "email", Fields: []string{"name"}}, row: janeRow, want: `{"email":"jane.doe@acme.com","name":"Jane Doe"}`},
		"own fields":          {column: claytest.Column{Fields: []string{"n", "nested", "gone"}}, row: janeRow, want: `{"claygate_id":"r1.1.t","n":2.50,"nested":{"a":{"b":"c"}},"gone":null}`},
		"no id":               {column: claytest.Column{Fields: []string{}}, row: `{"email":"x@y.z"}`, want: `{"claygate_id":null}`},
		"id of any type":      {column: claytest.Column{Fields: []string{}}, row: `{"claygate_id":{"n":12345678901234567890}}`, want: `{"claygate_id":{"n":12345678901234567890}}`},
		"array row":           {row: `[{"claygate_id":"r1.1.t"}]`, want: `{"claygate_id":null,"name":null,"title":null,"company":null,"linkedin_url":null,"location":null}`},
		"nobody":              {column: claytest.Column{Fields: []string{"name"}}, row: `{"claygate_id":1,"name":"Ann"}`, want: `{"claygate_id":1,"name":null}`},
		"remove empty":        {column: claytest.Column{RemoveEmpty: true}, row: `{"claygate_id":1}`, want: `{"claygate_id":1}`},
		"chips":               {column: claytest.Column{Body: `{"id":{{claygate_id}},"n":{{ n }},"o":{{nested}}}`}, row: janeRow, want: `{"id":"r1.1.t","n":2.50,"o":{"a":{"b":"c"}}}`},
		"quoted chips":        {column: claytest.Column{Body: `{"n":"{{n}}","q":"<{{quote}}>","o":"{{nested}}","u":"{{gone}}"}`}, row: janeRow, want: `{"n":"2.50","q":"<a\"b<é>>","o":"{\"a\":{\"b\":\"c\"}}","u":""}`},
		"quotes and chips":    {column: claytest.Column{Body: `{"a\"":{{claygate_id}},"\\":"{{n}}"}`}, row: janeRow, want: `{"a\"":"r1.1.t","\\":"2.50"}`},
		"unknown chip":        {column: claytest.Column{Body: `{"x":{{gone}},"y":{{nested.x}}}`}, row: janeRow, want: `{"x":null,"y":null}`},
		"path":                {column: claytest.Column{Body: `{"x":{{nested.a.b}},"y":{{a.b}}}`}, row: janeRow, want: `{"x":"c","y":"flat"}`},
		"sub-property":        {column: claytest.Column{Body: `{"x":"{{nested.a}}"}`}, row: janeRow, want: `{"x":"[object Object]"}`},
		"enriched goes first": {column: claytest.Column{Body: `[{{name}},{{row.name}}]`}, row: `{"email":"jane.doe@acme.com","name":"J"}`, want: `["Jane Doe","J"]`},
		"typed text":          {column: claytest.Column{Body: `{"id":"/Claygate Id"}`}, row: janeRow, want: `{"id":"/Claygate Id"}`},
		"remove from own":     {column: claytest.Column{RemoveEmpty: true, Body: `{"x":{{gone}},"y":"{{gone}}","z":{{n}}}`}, row: janeRow, want: `{"z":2.50}`},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReceiver(t, nil)
			tt.column.URL, tt.column.Delay = "http://me/", atOnce
			s := claytest.New(t, claytest.Options{InMemory: true, Misses: -1, Transport: r.transport, Column: tt.column})
			mustPost(t, s, "people", tt.row)
			idle(t, s)
			if diff := cmp.Diff([]string{tt.want}, r.got()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if got := s.Callbacks()[0].Body; got != tt.want {
				t.Errorf("recorded as %s", got)
			}
		})
	}
}

// The request line and the headers of a callback.
func TestColumnRequest(t *testing.T) {
	r := newReceiver(t, nil)
	s := claytest.New(t, claytest.Options{InMemory: true, Transport: r.transport})
	row := `{"callback_url":"http://me/cb?x=1","id":"a/b c","n":5}`
	for _, c := range []claytest.Column{
		{URL: "http://me/cb/{{id}}?n={{n}}&gone={{gone}}", Header: http.Header{"x-secret": {"s"}}},
		{URL: "{{callback_url}}", Method: "PUT", Header: http.Header{"Content-Type": {"text/plain"}}},
	} {
		c.Delay = atOnce
		if err := s.SetColumn(c); err != nil {
			t.Fatal(err)
		}
		mustPost(t, s, "people", row)
		idle(t, s)
	}
	var got []string
	for _, req := range r.requests {
		got = append(got, fmt.Sprint(req.Method, " ", req.Host, req.RequestURI, " ",
			req.Header.Get("Content-Type"), " ", req.Header.Get("X-Secret"), req.Header.Get("Idempotency-Key")))
	}
	want := []string{
		"POST me/cb/a%2Fb+c?n=5&gone= application/json s",
		"PUT me/cb?x=1 text/plain ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Rows with inputs missing, or that the run condition is false for, send nothing.
func TestColumnSkips(t *testing.T) {
	r := newReceiver(t, nil)
	s := claytest.New(t, claytest.Options{InMemory: true, Misses: -1, Transport: r.transport, Column: claytest.Column{
		URL: "http://me/", Delay: atOnce, Fields: []string{},
		Required: []string{"email", "company"},
		OnlyIf: func(input, enriched map[string]any) bool {
			return input["skip"] == nil && strings.HasPrefix(enriched["name"].(string), "Jane")
		},
	}})
	for _, row := range []string{
		`{"claygate_id":1,"email":"jane.doe@acme.com"}`,
		`{"claygate_id":2,"email":""}`,
		`{"claygate_id":3,"domain":"acme.com"}`,
		`{"claygate_id":4,"email":"john.doe@acme.com"}`,
		`{"claygate_id":5,"email":"jane.doe@acme.com","skip":true}`,
		`[]`,
	} {
		mustPost(t, s, "people", row)
		idle(t, s)
	}
	if diff := cmp.Diff([]string{`{"claygate_id":1}`}, r.got()); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	var got []string
	for _, row := range s.Rows() {
		got = append(got, string(row.Cell.State)+" "+row.Cell.Error)
	}
	want := []string{"done ", "skipped Some inputs missing", "skipped Some inputs missing",
		"skipped Run condition not met", "skipped Run condition not met", "skipped Some inputs missing"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("cells (-want +got):\n%s", diff)
	}
}

// Columns of single tables go before the one for all; rows that came before any
// column run when one is set; taking it away stops rows.
func TestSetColumn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver(t, nil)
		s := claytest.New(t, claytest.Options{InMemory: true, Transport: r.transport})
		for _, webhook := range []string{"people", "companies", "people"} {
			mustPost(t, s, webhook, `{}`)
		}
		set := func(c claytest.Column) {
			c.Fields = []string{}
			if err := s.SetColumn(c); err != nil {
				t.Fatal(err)
			}
			idle(t, s)
		}
		set(claytest.Column{Webhook: "companies", URL: "http://me/?c"})
		set(claytest.Column{URL: "http://me/?all"})
		mustPost(t, s, "companies", `{}`)
		mustPost(t, s, "people", `{}`)
		set(claytest.Column{}) // before they are due; companies keep their own
		idle(t, s)
		var got []string
		for _, c := range s.Callbacks() {
			got = append(got, fmt.Sprint(c.Row, " ", c.URL))
		}
		want := []string{"2 http://me/?c", "1 http://me/?all", "3 http://me/?all", "4 http://me/?c"}
		if s.Callbacks()[1].Row == 3 {
			want[1], want[2] = want[2], want[1]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if cell := s.Rows()[4].Cell; cell != (claytest.Cell{}) {
			t.Errorf("cell without a column: %+v", cell)
		}
		set(claytest.Column{URL: "http://me/?all"})
		set(claytest.Column{Webhook: "companies"}) // back to everybody's
		mustPost(t, s, "companies", `{}`)
		idle(t, s)
		if last := s.Callbacks()[5]; last.Row != 6 || last.URL != "http://me/?all" {
			t.Errorf("after the table's own column: %+v", last)
		}
	})
}

// The column runs again for rows with errors, or for all.
func TestRunAgain(t *testing.T) {
	r := newReceiver(t, func(n int, w http.ResponseWriter, _ *http.Request) {
		if n == 1 {
			w.WriteHeader(500)
		}
		_, _ = io.WriteString(w, fmt.Sprint(n))
	})
	s := claytest.New(t, claytest.Options{InMemory: true, Transport: r.transport, Column: claytest.Column{URL: "http://me/", Delay: atOnce}})
	for range 2 {
		mustPost(t, s, "people", `{}`)
		idle(t, s)
	}
	for _, step := range []struct {
		run  func() int
		want int
		sent int
	}{{s.RunMissing, 1, 3}, {s.RunMissing, 0, 3}, {s.RunAll, 2, 5}} {
		if n := step.run(); n != step.want {
			t.Errorf("ran %d rows, want %d", n, step.want)
		}
		idle(t, s)
		if n := len(r.got()); n != step.sent {
			t.Errorf("%d callbacks in all, want %d", n, step.sent)
		}
	}
	if cell := s.Rows()[0].Cell; cell.State != claytest.CellDone {
		t.Errorf("cell %+v", cell)
	}
}

// No more than so many requests leave in any span, and no more are under way
// than allowed.
func TestColumnLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver(t, nil)
		s := claytest.New(t, claytest.Options{
			InMemory: true, PerSecond: -1, Transport: r.transport,
			Column: claytest.Column{URL: "http://me/", Delay: atOnce, Limit: claytest.Limit{Requests: 5, Per: 2 * time.Second}},
		})
		begin := time.Now()
		for range 12 {
			mustPost(t, s, "people", `{}`)
		}
		idle(t, s)
		var got []time.Duration
		for _, c := range s.Callbacks() {
			got = append(got, c.At.Sub(begin).Round(time.Second))
		}
		want := []time.Duration{0, 0, 0, 0, 0, 2, 2, 2, 2, 2, 4, 4}
		for i := range want {
			want[i] *= time.Second
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver(t, func(int, http.ResponseWriter, *http.Request) { <-time.After(time.Second) })
		s := claytest.New(t, claytest.Options{
			InMemory: true, Transport: r.transport,
			Column: claytest.Column{URL: "http://me/", Delay: atOnce, Concurrency: 2},
		})
		begin := time.Now()
		for range 7 {
			mustPost(t, s, "people", `{}`)
		}
		idle(t, s)
		if took := time.Since(begin); took != 4*time.Second {
			t.Errorf("7 callbacks of 1 s, 2 at once, took %s", took)
		}
	})
}

// A receiver that hangs holds up its own table only.
func TestColumnsApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver(t, func(_ int, _ http.ResponseWriter, req *http.Request) {
			if req.URL.Path == "/hangs" {
				<-req.Context().Done()
			}
		})
		s := claytest.New(t, claytest.Options{InMemory: true, Transport: r.transport})
		for _, webhook := range []string{"hangs", "answers"} {
			err := s.SetColumn(claytest.Column{
				Webhook: webhook, URL: "http://me/" + webhook, Delay: atOnce, Concurrency: 1, Retries: -1,
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		begin := time.Now()
		for _, webhook := range []string{"hangs", "hangs", "hangs", "answers", "answers"} {
			mustPost(t, s, webhook, `{}`)
		}
		if err := s.WaitCallbacks(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took != 0 {
			t.Errorf("callbacks waited %s for another table's", took)
		}
		if err := s.WaitIdle(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took != 3*claytest.DefaultTimeout {
			t.Errorf("three that hang, one after the other, took %s", took)
		}
	})
}
