package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/clay/claytest"
	"github.com/claygate/claygate/client"
)

// keyCanary is the key of the Public API in every world with routines. It may never be seen.
const keyCanary = "k3ycanary"

// quick is a Public API without a limit, whose runs take hardly any time.
var quick = claytest.PublicAPI{Key: keyCanary, PerSecond: -1, Delay: claytest.Delay{Max: -1}}

// newRoutineWorld makes a world that has the key of a Public API, and no table.
func newRoutineWorld(t *testing.T, api claytest.PublicAPI) *world {
	w := newWorld(t, claytest.Options{PublicAPI: api, Misses: -1})
	w.env = map[string]string{"HOME": w.dir, "CLAY_API_KEY": keyCanary, "CLAY_API_URL": w.clay.URL()}
	return w
}

// routine runs enrich with a routine.
func (w *world) routine(args ...string) result {
	w.t.Helper()
	return w.run(w.routineArgs(args...)...)
}

func (w *world) routineArgs(args ...string) []string {
	return append([]string{"enrich", "--routine", "function:t_1", "--pace", "1000"}, args...)
}

func TestRoutine(t *testing.T) {
	t.Parallel()
	w := newRoutineWorld(t, quick)
	in := w.file("leads.csv", leads(130))
	r := w.routine(in, "--yes", "-o", w.path("out.csv"))
	if r.code != exitOK {
		t.Fatalf("exit %d\n%s", r.code, r.err)
	}
	for i, row := range table(t, w.read("out.csv")) {
		if row["email"] != fmt.Sprintf("ada.lovelace%d@leads.example", i) || row["claygate_status"] != "ok" || row["linkedin_url"] == "" {
			t.Errorf("row %d: %v", i, row)
		}
	}
	for _, text := range []string{"target function:t_1", "inputs: name, email (each column", "130 rows to send", "balance: 10,000 credits, 10,000 actions", "130 rows: 130 enriched"} {
		if !strings.Contains(r.err, text) {
			t.Errorf("it does not say %q:\n%s", text, r.err)
		}
	}
	if runs := w.clay.RoutineRuns(); len(runs) != 2 || runs[0].Routine != "function:t_1" {
		t.Errorf("%d runs", len(runs))
	}
	// The failure it prevents: a second run of a file pays for it again, or asks somebody about nothing.
	if r := w.routine(in, "-o", w.path("out.csv")); r.code != exitOK || w.clay.Stats().Items != 130 {
		t.Errorf("again: exit %d, %d items at Clay\n%s", r.code, w.clay.Stats().Items, r.err)
	}
}

// The failure it prevents: a script spends credits without anybody having said so, and --fresh forgets what was paid for
// although the run was not agreed to.
func TestRoutineIsAgreedTo(t *testing.T) {
	t.Parallel()
	w := newRoutineWorld(t, quick)
	in := w.file("leads.csv", "name,n\nAda,1\nBo,2\n") // no column tells them apart
	if r := w.routine(in, "-o", w.path("out.csv"), "--dedupe-by", "none"); r.code != exitInvalid || !strings.Contains(r.err, "--yes") || w.clay.Stats().Items != 0 {
		t.Fatalf("exit %d, %d items\n%s", r.code, w.clay.Stats().Items, r.err)
	}
	if r := w.routine(in, "--yes", "-o", w.path("out.csv")); r.code != exitOK || w.clay.Stats().Items != 2 {
		t.Fatalf("exit %d\n%s", r.code, r.err)
	}
	if r := w.routine(in, "--fresh", "-o", w.path("out.csv")); r.code != exitInvalid {
		t.Errorf("--fresh without --yes: exit %d\n%s", r.code, r.err)
	}
	if r := w.routine(in, "--yes", "-o", w.path("out.csv")); r.code != exitOK || w.clay.Stats().Items != 2 {
		t.Errorf("after a --fresh that nobody agreed to: exit %d, %d items\n%s", r.code, w.clay.Stats().Items, r.err)
	}
	if r := w.routine(in, "--yes", "--fresh", "-o", w.path("out.csv")); r.code != exitOK || w.clay.Stats().Items != 4 {
		t.Errorf("--fresh: exit %d, %d items\n%s", r.code, w.clay.Stats().Items, r.err)
	}
}

func TestMaxRecords(t *testing.T) {
	t.Parallel()
	w := newRoutineWorld(t, quick)
	in := w.file("leads.csv", leads(12))
	r := w.routine(in, "--yes", "--max-records", "11", "-o", w.path("out.csv"))
	if r.code != exitInvalid || !strings.Contains(r.err, "12 rows would be sent, and --max-records is 11") || w.clay.Stats().Items != 0 {
		t.Errorf("exit %d\n%s", r.code, r.err)
	}
	if r := w.routine(in, "--yes", "--max-records", "12", "-o", w.path("out.csv")); r.code != exitOK {
		t.Errorf("exit %d\n%s", r.code, r.err)
	}
}

func TestInputs(t *testing.T) {
	t.Parallel()
	w := newRoutineWorld(t, quick)
	in := w.file("leads.csv", leads(2))
	if r := w.routine(in, "--yes", "--input", "Work Email=E-Mail", "-o", w.path("out.csv")); r.code != exitOK || !strings.Contains(r.err, "inputs: Work Email from email\n") {
		t.Fatalf("exit %d\n%s", r.code, r.err)
	}
	// The failure it prevents: whoever mends a mapping gets the results of the wrong one from the cache.
	if r := w.routine(in, "--yes", "--input", "email=email", "-o", w.path("out.csv")); r.code != exitOK || w.clay.Stats().Items != 4 {
		t.Errorf("exit %d, %d items, want the rows sent again\n%s", r.code, w.clay.Stats().Items, r.err)
	}
}

// tools is what Clay's own command line asks, in front of a world's Clay.
func (w *world) tools(routines ...map[string]any) {
	base, _ := url.Parse(w.clay.URL())
	mux := http.NewServeMux()
	mux.Handle("/", httputil.NewSingleHostReverseProxy(base))
	answer := func(rw http.ResponseWriter, r *http.Request, body any) {
		if r.Header.Get("clay-api-key") != keyCanary || r.PathValue("ws") != "ws_emulated" {
			rw.WriteHeader(http.StatusUnauthorized)
			return
		}
		_ = json.NewEncoder(rw).Encode(body)
	}
	mux.HandleFunc("GET /v3/workspaces/{ws}/tools", func(rw http.ResponseWriter, r *http.Request) {
		page := map[string]any{"data": routines[:1], "cursor": "next"}
		if r.URL.Query().Get("cursor") != "" {
			page = map[string]any{"data": routines[1:]}
		}
		answer(rw, r, page)
	})
	mux.HandleFunc("GET /v3/workspaces/{ws}/tools/{id}", func(rw http.ResponseWriter, r *http.Request) {
		for _, routine := range routines {
			if routine["id"] == r.PathValue("id") {
				answer(rw, r, routine)
				return
			}
		}
		rw.WriteHeader(http.StatusNotFound)
		_, _ = rw.Write([]byte(`{"message":"Routine not found"}`))
	})
	w.env["CLAY_API_URL"] = newHTTPServer(w.t, mux)
}

// workEmail and funding are routines as Clay describes them.
var (
	workEmail = map[string]any{
		"id": "function:t_1", "type": "function", "name": "Work email", "description": nil, "source": "managed",
		"inputSchema": map[string]any{
			"type": "object", "required": []string{"Email"},
			"properties": map[string]any{"Email": map[string]any{"type": "string"}, "Full Name": map[string]any{"type": "string"}, "Phone": map[string]any{"type": "string"}},
		},
		"estimatedCreditCost": map[string]any{"perRun": 2.5, "actionExecution": 1, "containsVariablePricing": false},
	}
	funding = map[string]any{"id": "workflow:wf_2", "type": "workflow", "name": "Funding", "description": "Rounds"}
)

func TestUndocumentedInputs(t *testing.T) {
	t.Parallel()
	w := newRoutineWorld(t, quick)
	w.tools(workEmail, funding)
	in := w.file("leads.csv", "full_name,email,notes\nAda,ada@leads.example,secret\n")
	r := w.routine(in, "--yes", "--undocumented", "-o", w.path("out.csv"))
	if r.code != exitOK {
		t.Fatalf("exit %d\n%s", r.code, r.err)
	}
	for _, text := range []string{"inputs: Email from email, Full Name from full_name\n", "1 row to send; about 2.5 credits and 1 actions by Clay's estimate"} {
		if !strings.Contains(r.err, text) {
			t.Errorf("it does not say %q:\n%s", text, r.err)
		}
	}
	if r := w.routine(w.file("other.csv", "mail\na@leads.example\n"), "--yes", "--undocumented"); r.code != exitInvalid || !strings.Contains(r.err, `the routine needs the input "Email"`) {
		t.Errorf("exit %d\n%s", r.code, r.err)
	}
}

func TestRoutineID(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"function:t_abc": "function:t_abc", " t_abc ": "function:t_abc", "workflow:wf_9": "workflow:wf_9", "wf_9": "workflow:wf_9",
		"https://app.clay.com/workspaces/1/workbooks/wb_2/tables/t_abc/views/gv_3?x=1": "function:t_abc",
		"https://app.clay.com/workspaces/1/functions/t_abc":                            "function:t_abc",
		"app.clay.com/workspaces/1/workflows/wf_9":                                     "workflow:wf_9",
		"https://app.clay.com/workspaces/1/home":                                       "",
		"":                                                                             "",
		"abc":                                                                          "",
		"function:":                                                                    "",
		"function:a:b":                                                                 "",
		"function:a/b":                                                                 "",
		"function:" + strings.Repeat("x", 55):                                          "function:" + strings.Repeat("x", 55),
		"function:" + strings.Repeat("x", 56):                                          "",
	} {
		got, err := routineID(given)
		if diff := cmp.Diff(want, got); diff != "" || (err != nil) != (want == "") {
			t.Errorf("routineID(%q): %v (-want +got):\n%s", given, err, diff)
		}
	}
}

// The failure it prevents: rows that Clay could not work on are shown as rows without a word from Clay, and --retry failed
// passes them over.
func TestRoutineWithoutCredits(t *testing.T) {
	t.Parallel()
	api := quick
	api.Credits = 2
	w := newRoutineWorld(t, api)
	r := w.routine(w.file("leads.csv", leads(3)), "--yes", "-o", w.path("out.csv"))
	if diff := cmp.Diff([]string{"ok", "ok", "failed"}, w.statuses("out.csv")); diff != "" || r.code != exitSomeFailed {
		t.Errorf("exit %d, statuses (-want +got):\n%s\n%s", r.code, diff, r.err)
	}
	if reason := table(t, w.read("out.csv"))[2]["claygate_error"]; !strings.Contains(reason, "Not enough credits") {
		t.Errorf("the reason is %q", reason)
	}
}

// The failure it prevents: the answer to a start is lost, and the command waits a day for results that nobody will ever
// hear of, or starts the run once more.
func TestRoutineWithALostStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, claytest.Options{PublicAPI: quick, Faults: []claytest.Fault{{Kind: claytest.DropAfter, Path: "/run"}}})
	w.env = map[string]string{"HOME": w.dir, "CLAY_API_KEY": keyCanary, "CLAY_API_URL": w.clay.URL()}
	in := w.file("leads.csv", leads(3))
	r := w.routine(in, "--yes", "-o", w.path("out.csv"))
	if diff := cmp.Diff([]string{"maybe_sent", "maybe_sent", "maybe_sent"}, w.statuses("out.csv")); diff != "" || r.code != exitSomeFailed || !strings.Contains(r.err, "claygate records resolve") {
		t.Errorf("exit %d, statuses (-want +got):\n%s\n%s", r.code, diff, r.err)
	}
	if r := w.routine(in, "-o", w.path("out.csv")); r.code != exitSomeFailed || len(w.clay.RoutineRuns()) != 1 {
		t.Errorf("again: exit %d, %d runs\n%s", r.code, len(w.clay.RoutineRuns()), r.err)
	}
	// Whoever looks for it in Clay needs to know which starts those are.
	list := w.run("runs", "list", "--state", "uncertain,lost", "--json")
	if run := last[client.Run](t, list); run.State != "uncertain" || run.Records != 3 || run.ClayID != nil || run.Reason == nil {
		t.Errorf("exit %d: %s %s", list.code, list.out, list.err)
	}
}

// With a person at the terminal the run is asked about, once.
func TestRoutineQuestion(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]int{"y\n": 1, "yes\n": 1, "n\n": 0, "\n": 0, "": 0} {
		w := newRoutineWorld(t, quick)
		in := w.file("leads.csv", leads(1))
		errs := newBuffer()
		code := Main(w.routineArgs(in, "-o", w.path("out.csv")), Streams{
			In: strings.NewReader(answer), Out: newBuffer(), Err: errs, Terminal: true, Keyboard: true,
			Getenv: func(name string) string { return w.env[name] },
		})
		if items := w.clay.Stats().Items; items != want || (code == exitOK) != (want == 1) || strings.Count(errs.String(), "Run it? [y/N]") != 1 {
			t.Errorf("%q: exit %d, %d items\n%s", answer, code, items, errs)
		}
	}
}
