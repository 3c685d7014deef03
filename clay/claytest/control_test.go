package claytest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/clay/claytest"
)

// control calls the control API and decodes the answer.
func control(t *testing.T, s *claytest.Server, method, path, body string, into any) int {
	t.Helper()
	req, err := http.NewRequest(method, s.URL()+claytest.ControlPath+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	text := read(t, resp)
	if into != nil {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			t.Fatalf("%s %s: %v: %s", method, path, err, text)
		}
	}
	return resp.StatusCode
}

// Another process sees what arrived, and changes how the server behaves.
func TestControl(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver(t, nil)
		s := claytest.New(t, claytest.Options{InMemory: true, Transport: r.transport})
		set := func(path, body string) {
			t.Helper()
			if status := control(t, s, "POST", path, body, nil); status != http.StatusOK {
				t.Errorf("%s %s: status %d", path, body, status)
			}
		}
		set("column", `{"url":"http://me/","delay":{"min":"2s","max":"2s"},"fields":[]}`)
		set("faults", `[{"kind":"answer","status":[503],"from":2,"to":2}]`)
		mustPost(t, s, "people", `{"n":1}`)
		if status, _ := post(t, s, "people", `{"n":2}`); status != 503 {
			t.Errorf("status %d under the fault", status)
		}
		mustPost(t, s, "companies", `{"n":3}`)

		begin := time.Now()
		var state claytest.Stats
		if status := control(t, s, "GET", "state?rows=2&requests=3&callbacks=2&idle=true&wait=10s", "", &state); status != 200 {
			t.Errorf("state: status %d", status)
		}
		if took := time.Since(begin); took != 2*time.Second {
			t.Errorf("waited %s for callbacks due after 2 s", took)
		}
		if diff := cmp.Diff(s.Stats(), state); diff != "" || state.Callbacks != 2 {
			t.Errorf("state (-want +got):\n%s", diff)
		}
		var rows []claytest.Row
		control(t, s, "GET", "rows?after=1", "", &rows)
		if len(rows) != 1 || string(rows[0].Body) != `{"n":3}` || rows[0].Cell.State != claytest.CellDone {
			t.Errorf("rows %+v", rows)
		}
		var requests []claytest.Request
		control(t, s, "GET", "requests?webhook=people", "", &requests)
		if len(requests) != 2 || requests[1].Status != 503 || requests[1].Body != `{"n":2}` {
			t.Errorf("requests %+v", requests)
		}
		var callbacks []claytest.Callback
		control(t, s, "GET", "callbacks", "", &callbacks)
		if diff := cmp.Diff(s.Callbacks(), callbacks, cmp.Comparer(time.Time.Equal)); diff != "" {
			t.Errorf("callbacks (-want +got):\n%s", diff)
		}
		var ran struct{ Rows int }
		control(t, s, "POST", "run", "", &ran)
		if ran.Rows != 0 {
			t.Errorf("ran %d rows that had run", ran.Rows)
		}
		control(t, s, "POST", "run?rows=all", "", &ran)
		if ran.Rows != 2 {
			t.Errorf("ran %d of 2 rows", ran.Rows)
		}
		set("reset", ``)
		if st := s.Stats(); st.Rows != 0 || st.Requests != 0 {
			t.Errorf("after the reset %+v", st)
		}
	})
}

// What makes no sense is a 400 with the reason, and changes nothing.
func TestControlRefuses(t *testing.T) {
	s := claytest.New(t, claytest.Options{InMemory: true})
	for name, tt := range map[string]struct {
		method, path, body string
		status             int
		want               string
	}{
		"unknown field":  {"POST", "column", `{"url":"http://me/","urls":[]}`, 400, `json: unknown field "urls"`},
		"bad column":     {"POST", "column", `{"url":"http://me/","method":"PATCH"}`, 400, `claytest: the column's method is "PATCH": use GET, POST, PUT or DELETE`},
		"unknown fault":  {"POST", "faults", `[{"kind":"flood"}]`, 400, `claytest: there is no fault of the kind "flood"`},
		"bad duration":   {"POST", "faults", `[{"kind":"slow","latency":"2"}]`, 400, `"2" is no duration: write it like 300ms or 1.5s`},
		"two values":     {"POST", "faults", `[][]`, 400, `there is more after the JSON value`},
		"bad number":     {"GET", "state?rows=two", ``, 400, `rows="two" is no whole number`},
		"bad wait":       {"GET", "state?wait=5", ``, 400, `wait="5" is no duration: write it like 300ms or 10s`},
		"bad after":      {"GET", "rows?after=x", ``, 400, `after="x" is no whole number`},
		"bad run":        {"POST", "run?rows=some", ``, 400, `rows=some: use missing or all`},
		"never that far": {"GET", "state?rows=1&wait=1ms", ``, 408, `claytest: waiting for rows=1&wait=1ms, have 0 rows, 0 requests, 0 callbacks, 0 rows waiting: context deadline exceeded`},
	} {
		t.Run(name, func(t *testing.T) {
			var got struct{ Error string }
			status := control(t, s, tt.method, tt.path, tt.body, &got)
			if diff := cmp.Diff(tt.want, got.Error); status != tt.status || diff != "" {
				t.Errorf("status %d (-want +got):\n%s", status, diff)
			}
		})
	}
	if status := control(t, s, "GET", "nothing", "", nil); status != 404 {
		t.Errorf("unknown path: status %d", status)
	}
	if n := s.Stats().Requests; n != 0 {
		t.Errorf("%d control requests are recorded", n)
	}
}

// A page of another site cannot steer the emulator through the visitor's browser.
func TestControlCrossOrigin(t *testing.T) {
	s := claytest.New(t, claytest.Options{InMemory: true})
	req, err := http.NewRequest("POST", s.URL()+claytest.ControlPath+"reset", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	resp, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	read(t, resp)
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("status %d", resp.StatusCode)
	}
}
