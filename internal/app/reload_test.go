package app

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/internal/config"
	"github.com/claygate/claygate/internal/ledger"
)

// reloadable is a service whose configuration a test changes.
type reloadable struct {
	*service
	source atomic.Pointer[func() (Config, error)]
	log    *syncBuffer
}

type syncBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

func serveReloadable(t *testing.T, targets ...Target) *reloadable {
	t.Helper()
	r := &reloadable{log: &syncBuffer{}}
	path := filepath.Join(t.TempDir(), "ledger.db")
	r.service = serveWith(t, func(s *service) Config {
		r.service = s
		r.set(targets...)
		c := s.config(path, targets...)
		c.Source = func() (Config, error) { return (*r.source.Load())() }
		c.Log = slog.New(slog.NewTextHandler(r.log, nil))
		return c
	})
	return r
}

// set makes these the targets that the next reload finds.
func (r *reloadable) set(targets ...Target) {
	source := func() (Config, error) { return r.config("elsewhere.db", targets...), nil }
	r.source.Store(&source)
}

func (r *reloadable) reload(targets ...Target) {
	r.Helper()
	r.set(targets...)
	if _, err := r.Reload(r.Context()); err != nil {
		r.Error(err)
	}
}

// target returns how a target stands, as the API shows it; nil when it does not.
func (r *reloadable) target(name string) map[string]any {
	r.Helper()
	for _, t := range r.get("/v1/targets")["targets"].([]any) {
		if t := t.(map[string]any); t["name"] == name {
			return t
		}
	}
	return nil
}

// A target that is taken from the configuration keeps its records, which goes into the log and shows, calls back for what
// was sent, and goes on when it returns.
func TestReloadTakesATargetAndGivesItBack(t *testing.T) {
	people, firms := Target{Name: "people"}, Target{Name: "firms"}
	r := serveReloadable(t, people, firms)
	sent := r.submit("firms/records", map[string]any{"domain": "a.example"})
	row := r.row()
	if err := r.Ledger.Pause(t.Context(), "firms", ledger.Pause{Reason: "for the test"}); err != nil {
		t.Fatal(err)
	}
	queued := r.submit("firms/records", map[string]any{"domain": "b.example"})
	status, body := r.post("http://"+r.APIAddr()+"/v1/reload", map[string]any{})
	if diff := cmp.Diff(map[string]any{"targets": 2.0, "added": []any{}, "removed": []any{}, "restart": []any{"ledger"}}, r.decode(body)); status != 200 || diff != "" {
		t.Errorf("a reload that changes nothing: %d, -want +got\n%s", status, diff)
	}
	r.reload(people)
	if status, body := r.post("http://"+r.APIAddr()+"/v1/targets/firms/records", map[string]any{"fields": map[string]any{}}); status != http.StatusNotFound {
		t.Errorf("a record for a target that is gone: %d %s", status, body)
	}
	stray := r.target("firms")
	if stray["configured"] != false || stray["counts"].(map[string]any)["queued"] != 1.0 {
		t.Errorf("it shows as %v", stray)
	}
	if log := r.log.String(); !strings.Contains(log, "target=firms records=2") || !strings.Contains(log, "takes a restart") {
		t.Errorf("the log says %s", log)
	}
	r.callback(row, map[string]any{"name": "A"})
	if got := r.get("/v1/records/" + sent["id"].(string)); got["state"] != "done" {
		t.Errorf("what was sent before is %v", got)
	}
	if got := r.get("/v1/records/" + queued["id"].(string)); got["state"] != "queued" {
		t.Errorf("what waited is %v", got)
	}
	r.reload(people, firms, Target{Name: "more"})
	if err := r.Ledger.Resume(t.Context(), "firms"); err != nil {
		t.Fatal(err)
	}
	r.callback(r.row(), map[string]any{"name": "B"})
	if got := r.get("/v1/records/" + queued["id"].(string) + "?wait=30s"); got["state"] != "done" || r.target("firms")["configured"] != true {
		t.Errorf("after its return: %v", got)
	}
	r.submit("more/records", map[string]any{"a": 1})
	r.row()
}

// A reload that changed how the log is written said nothing and changed nothing.
func TestReloadSaysThatTheLogTakesARestart(t *testing.T) {
	r := serveReloadable(t, Target{Name: "people"})
	source := func() (Config, error) {
		c := r.config(r.App.config.Ledger, Target{Name: "people"})
		c.LogAs = "debug, json"
		return c, nil
	}
	r.source.Store(&source)
	if got, err := r.Reload(t.Context()); err != nil || !cmp.Equal(got.Restart, []string{"log"}) {
		t.Errorf("restart: %v, %v", got.Restart, err)
	}
	if a, b := FromConfig(config.Config{Log: config.Log{Level: "info"}}), FromConfig(config.Config{Log: config.Log{Level: "debug"}}); a.LogAs == b.LogAs {
		t.Errorf("two levels are %q", a.LogAs)
	}
}

// With mistakes the configuration from before goes on, and every one of them is said.
func TestReloadWithMistakes(t *testing.T) {
	r := serveReloadable(t, Target{Name: "people"})
	other := Target{Name: "people", Webhooks: []Webhook{{URL: "https://other.invalid/v3/sources/webhook/x"}}}
	r.submit("people/records", map[string]any{"email": "ada@example.com"})
	r.row()
	for name, source := range map[string]func() (Config, error){
		"two mistakes": func() (Config, error) { return Config{}, config.Problems{{Message: "first"}, {Message: "second"}} },
		"another":      func() (Config, error) { return Config{}, errors.New("first, second") },
		"another Clay": func() (Config, error) { return r.config("x", other), nil },
		"no URL": func() (Config, error) {
			return r.config("x", Target{Name: "people", Webhooks: []Webhook{{URL: "::"}}}), nil
		},
	} {
		r.source.Store(&source)
		status, body := r.post("http://"+r.APIAddr()+"/v1/reload", map[string]any{})
		if status < 400 || status == 500 {
			t.Errorf("%s: %d %s", name, status, body)
		}
		if said := string(body); strings.Contains(name, "mistakes") && (!strings.Contains(said, "first") || !strings.Contains(r.log.String(), "mistake=second")) {
			t.Errorf("%s: the answer is %s, the log %s", name, said, r.log)
		}
		r.submit("people/records", map[string]any{"email": "ada@example.com"})
		r.row()
	}
}

// The promise of a reload: while records flow and callers wait, configurations come and go, and nothing is lost, refused
// or sent twice.
func TestReloadUnderLoad(t *testing.T) {
	const records, reloads, callers = 2000, 50, 8
	people := Target{Name: "people"}
	r := serveReloadable(t, people)
	var answering sync.WaitGroup
	sent := make(chan map[string]int, 1)
	answering.Go(func() { sent <- r.answerAll(records) })
	var work sync.WaitGroup
	next, done := atomic.Int64{}, make(chan struct{}, records)
	for range callers {
		work.Go(func() {
			for i := next.Add(1); i <= records && !t.Failed(); i = next.Add(1) {
				got := r.submit("people/records?wait=60s", map[string]any{"n": i})
				if got["state"] != "done" || got["result"].(map[string]any)["seen"] != float64(i) {
					t.Errorf("record %d: %v", i, got)
				}
				done <- struct{}{}
			}
		})
	}
	for i := range reloads {
		for range records / reloads {
			select {
			case <-done:
			case <-t.Context().Done():
				return
			}
		}
		r.get("/v1/targets") // which also reads them while they change
		changed := Target{Name: "people", Priority: i % 3, Webhooks: []Webhook{{URL: r.clay.URL + fmt.Sprintf("/people/%d", i%2), Token: fmt.Sprint(i % 3), Limit: -1}}}
		if i%4 == 0 {
			r.reload(changed, Target{Name: "firms", Workspace: fmt.Sprint("w", i%8)})
		} else {
			r.reload(changed)
		}
	}
	work.Wait()
	answering.Wait()
	if rows := <-sent; len(rows) != records && !t.Failed() {
		t.Errorf("%d records arrived at Clay, want %d", len(rows), records)
	}
}

// answerAll calls back for rows until every record had one, and fails the test for a second row of one.
func (r *reloadable) answerAll(records int) map[string]int {
	seen := map[string]int{}
	for len(seen) < records && !r.Failed() {
		row := r.row()
		id, _, _ := strings.Cut(row[ledger.TicketField].(string), ".")
		if seen[id]++; seen[id] > 1 {
			r.Errorf("record %s is at Clay %d times", id, seen[id])
		}
		row["table"] = "people"
		r.callback(row, map[string]any{"seen": row["n"]})
	}
	return seen
}
