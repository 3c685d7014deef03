package forward_test

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/internal/expression"
	"github.com/claygate/claygate/internal/forward"
	"github.com/claygate/claygate/internal/ledger"
)

// of compiles an expression.
func (w *world) of(text string) forward.Value {
	w.Helper()
	v, err := expression.CompileValue(text)
	if err != nil {
		w.Fatal(err)
	}
	return v
}

func (w *world) http(h forward.HTTP) *forward.Destination {
	w.Helper()
	h.Name, h.Reach = "crm", forward.Private
	d, err := forward.NewHTTP(h)
	if err != nil {
		w.Fatal(err)
	}
	return d
}

func TestHTTPInItsOwnWords(t *testing.T) {
	w, e := newWorld(t, "crm"), newEndpoint(t, nil)
	w.to(w.http(forward.HTTP{
		URL: e.URL + "/contacts", Method: http.MethodPatch, Path: w.of(`[text("by/", fields.email)]`),
		Headers: map[string]string{"Authorization": "Bearer t"}, Computed: map[string]forward.Value{"Idempotency-Key": w.of(`id`)},
		Body: w.of(`{title: result.title, from: event}`),
	}))
	id := w.done(1)[0]
	w.untilEmpty("crm")
	if diff := cmp.Diff([]string{`PATCH /contacts/by%2F0@example.com {"from":"record.done","title":"Countess"}`}, e.said()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	key := e.header.Get("Idempotency-Key")
	if e.header.Get("Authorization") != "Bearer t" || !strings.Contains(key, strings.TrimPrefix(id.String(), "rec_")) {
		t.Errorf("headers %v", e.header)
	}
}

// One bad record of a batch held up all the others.
func TestABatchIsHalvedUntilTheBadOneIsAlone(t *testing.T) {
	w := newWorld(t, "crm")
	e := newEndpoint(t, nil)
	e.Config.Handler = refusing(e.Config.Handler, `"n":7}`)
	w.done(20)
	w.to(w.http(forward.HTTP{URL: e.URL, Batch: 50, Item: w.of(`{n: result.n}`), Body: w.of(`{inputs: items}`)}))
	w.until("crm", func(d ledger.DestinationStatus) bool { return d.Waiting == 1 })
	taken := strings.Join(e.said(), "\n")
	for n, want := range map[string]bool{`{"n":0}`: true, `{"n":19}`: true, `{"n":7}`: false} {
		if strings.Contains(taken, n) != want {
			t.Errorf("%s was taken: %t", n, !want)
		}
	}
	if n := len(e.said()); n > 6 {
		t.Errorf("%d requests were taken", n)
	}
}

// refusing answers 400 to what holds a text.
func refusing(next http.Handler, text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || bytes.Contains(body, []byte(text)) {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
}

func TestFiltersAndComputedFields(t *testing.T) {
	w, e := newWorld(t, "crm"), newEndpoint(t, nil)
	when, err := expression.Compile(`result.n == 3`)
	if err != nil {
		t.Fatal(err)
	}
	w.to(w.webhook("crm", e.URL, func(h *forward.Webhook) {
		h.When, h.Compute = when, map[string]forward.Value{"domain": w.of(`upper(last(split(fields.email, "@")))`)}
	}))
	w.done(10)
	w.untilEmpty("crm")
	told := e.told()
	if len(told) != 1 || string(told[0].Computed["domain"]) != `"EXAMPLE.COM"` {
		t.Errorf("told %+v", told)
	}
}

// An expression that does not suit a record is said, and holds up no other.
func TestAnExpressionThatDoesNotSuit(t *testing.T) {
	w, e := newWorld(t, "crm"), newEndpoint(t, nil)
	w.to(w.http(forward.HTTP{URL: e.URL, Body: w.of(`upper(result.n)`)}))
	w.done(2)
	w.until("crm", func(d ledger.DestinationStatus) bool { return d.Waiting == 0 && d.Dead == 2 })
	dead, err := w.store.Undelivered(t.Context(), "crm", 10)
	if err != nil || len(dead) != 2 || !strings.Contains(dead[0].Reason, "the expression body") {
		t.Errorf("%+v %v", dead, err)
	}
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.ndjson")
	if err := os.WriteFile(path, []byte("{\"before\":1}\n{\"torn\":"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, "lake")
	d, err := forward.NewFile(forward.File{Settings: forward.Settings{Name: "lake"}, Path: path, MaxBytes: 20_000, Keep: 2})
	if err != nil {
		t.Fatal(err)
	}
	w.to(d)
	for range 10 {
		w.done(50)
		w.untilEmpty("lake")
	}
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) != 3 {
		t.Fatalf("files %v, %v; want the one that is written and two that were put aside", files, err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil || len(text) > 20_000 || strings.Contains(string(text), "torn") || !strings.HasSuffix(string(text), "}\n") {
			t.Errorf("%s: %d bytes, %v", name, len(text), err)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("it is %v, %v", info.Mode(), err)
	}
}

// A disk that is full loses nothing: what was not written waits.
func TestAFileThatCannotBeWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, "lake")
	d, err := forward.NewFile(forward.File{Settings: forward.Settings{Name: "lake"}, Path: filepath.Join(dir, "out")})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "out"), 0o700); err != nil { // whoever runs the tests may write everywhere
		t.Fatal(err)
	}
	w.done(1)
	changed, cancel := w.hub.Subscribe(ledger.Outgoing("lake"))
	defer cancel()
	w.to(d)
	<-changed
	if err := w.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	got := w.until("lake", func(d ledger.DestinationStatus) bool { return true })
	if got.Waiting != 1 || got.Dead != 0 {
		t.Errorf("it stands at %+v", got)
	}
}
