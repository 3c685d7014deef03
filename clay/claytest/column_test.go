package claytest_test

import (
	"context"
	"fmt"
	"io"
	"net"
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

// What is retried, how often and how fast, and what the cell shows then.
func TestColumnRetries(t *testing.T) {
	statuses := func(list ...int) func(int, http.ResponseWriter, *http.Request) {
		return func(n int, w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(list[min(n, len(list))-1])
			_, _ = fmt.Fprintf(w, "answer %d", n)
		}
	}
	closes := func(int, http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	hangs := func(_ int, _ http.ResponseWriter, req *http.Request) { <-req.Context().Done() }
	done := func(value string) claytest.Cell { return claytest.Cell{State: claytest.CellDone, Value: value} }
	failed := func(status, n int) claytest.Cell {
		return claytest.Cell{State: claytest.CellError, Error: fmt.Sprintf("HTTP %d", status), Value: fmt.Sprintf("answer %d", n)}
	}
	for name, tt := range map[string]struct {
		column claytest.Column
		answer func(int, http.ResponseWriter, *http.Request)
		want   []int // statuses
		cell   claytest.Cell
		took   time.Duration
	}{
		"200":               {answer: statuses(200), want: []int{200}, cell: done("answer 1")},
		"201":               {answer: statuses(201), want: []int{201}, cell: done("answer 1")},
		"408 then 200":      {answer: statuses(408, 200), want: []int{408, 200}, cell: done("answer 2")},
		"413 then 200":      {answer: statuses(413, 200), want: []int{413, 200}, cell: done("answer 2")},
		"429 twice":         {answer: statuses(429), want: []int{429, 429}, cell: failed(429, 2)},
		"500 is final":      {answer: statuses(500, 200), want: []int{500}, cell: failed(500, 1)},
		"503 is final":      {answer: statuses(503, 200), want: []int{503}, cell: failed(503, 1)},
		"400 is final":      {answer: statuses(400, 200), want: []int{400}, cell: failed(400, 1)},
		"302 not followed":  {answer: statuses(302, 200), want: []int{302}, cell: failed(302, 1)},
		"five retries":      {column: claytest.Column{Retries: 5}, answer: statuses(429), want: []int{429, 429, 429, 429, 429, 429}, cell: failed(429, 6)},
		"no retries":        {column: claytest.Column{Retries: -1}, answer: statuses(429, 200), want: []int{429}, cell: failed(429, 1)},
		"own list":          {column: claytest.Column{RetryOn: "429, 500-503"}, answer: statuses(502, 200), want: []int{502, 200}, cell: done("answer 2")},
		"own list replaces": {column: claytest.Column{RetryOn: "500-503"}, answer: statuses(429, 200), want: []int{429}, cell: failed(429, 1)},
		"reset":             {answer: closes, want: []int{0, 0}, cell: claytest.Cell{State: claytest.CellError}},
		"timeout":           {answer: hangs, want: []int{0, 0}, cell: claytest.Cell{State: claytest.CellError}, took: time.Minute},
		"own timeout":       {column: claytest.Column{Timeout: time.Second, Retries: -1}, answer: hangs, want: []int{0}, cell: claytest.Cell{State: claytest.CellError}, took: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newReceiver(t, tt.answer)
				tt.column.URL, tt.column.Delay = "http://me/", atOnce
				s := claytest.New(t, claytest.Options{InMemory: true, Transport: r.transport, Column: tt.column})
				begin := time.Now()
				mustPost(t, s, "people", `{}`)
				if err := s.WaitIdle(t.Context()); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(begin); took != tt.took {
					t.Errorf("took %s, want %s: Clay retries at once", took, tt.took)
				}
				var got []int
				for i, c := range s.Callbacks() {
					got = append(got, c.Status)
					if c.Attempt != i+1 || c.Row != 1 || (c.Status == 0) != (c.Error != "") {
						t.Errorf("callback %+v", c)
					}
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("statuses (-want +got):\n%s", diff)
				}
				cell := s.Rows()[0].Cell
				if tt.cell.Error == "" && tt.cell.State == claytest.CellError && cell.Error != "" {
					cell.Error = "" // the words of net/http
				}
				if diff := cmp.Diff(tt.cell, cell); diff != "" {
					t.Errorf("cell (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// net/http resends by itself what carries an Idempotency-Key; the column does
// not let it, because every attempt is to be seen.
func TestColumnNeverResends(t *testing.T) {
	r := newReceiver(t, func(n int, _ http.ResponseWriter, _ *http.Request) {
		if n == 2 {
			panic(http.ErrAbortHandler) // on a connection that was used before
		}
	})
	s := claytest.New(t, claytest.Options{InMemory: true, Transport: r.transport, Column: claytest.Column{
		URL: "http://me/", Delay: atOnce, Retries: -1, Header: http.Header{"Idempotency-Key": {"k"}},
	}})
	for range 2 {
		mustPost(t, s, "people", `{}`)
		idle(t, s)
	}
	if n := len(r.got()); n != 2 || s.Rows()[1].Cell.State != claytest.CellError {
		t.Errorf("%d requests came, the second cell is %+v", n, s.Rows()[1].Cell)
	}
}

// A refused connection is retried, a name that does not resolve is not, and
// only loopback is called when that is asked for.
func TestColumnUnreachable(t *testing.T) {
	nameless := &http.Transport{DialContext: func(_ context.Context, _, address string) (net.Conn, error) {
		return nil, &net.DNSError{Err: "no such host", Name: address, IsNotFound: true}
	}}
	for name, tt := range map[string]struct {
		url       string
		transport http.RoundTripper
		want      int
	}{
		"refused":      {url: "http://127.0.0.1:1/", want: 2},
		"no such name": {url: "http://nowhere/", transport: nameless, want: 1},
		"not loopback": {url: "http://192.0.2.1/", want: 1},
		"no URL":       {url: "{{gone}}", want: 2},
	} {
		t.Run(name, func(t *testing.T) {
			s := claytest.New(t, claytest.Options{
				LoopbackOnly: true, Transport: tt.transport, Column: claytest.Column{URL: tt.url, Delay: atOnce},
			})
			mustPost(t, s, "people", `{}`)
			idle(t, s)
			if n := len(s.Callbacks()); n != tt.want {
				t.Errorf("%d attempts, want %d: %+v", n, tt.want, s.Callbacks())
			}
			if state := s.Rows()[0].Cell.State; state != claytest.CellError {
				t.Errorf("cell %q", state)
			}
		})
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
