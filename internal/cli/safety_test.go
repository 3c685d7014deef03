package cli

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/claygate/claygate/clay/claytest"
)

// Emulation never becomes real, whatever the environment holds.
func TestEmulateContactsNobody(t *testing.T) {
	t.Parallel()
	var hits atomic.Int64
	trap := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer trap.Close()
	w := newWorld(t, claytest.Options{})
	w.env["CLAY_WEBHOOK_URL"], w.env["CLAYGATE_PUBLIC_URL"] = trap.URL+"/"+hookCanary, trap.URL
	w.env["CLAYGATE_LEDGER"] = w.path("real.db")
	r := w.run("enrich", w.file("leads.csv", leads(3)), "--emulate", "-o", w.path("out.csv"))
	if r.code != exitOK || hits.Load() != 0 {
		t.Errorf("exit %d, %d requests left the process\n%s", r.code, hits.Load(), r.err)
	}
	if _, err := os.Stat(w.path("real.db")); err == nil {
		t.Error("the emulation used the real ledger")
	}
	if !strings.Contains(r.err, "emulated: nothing was charged") {
		t.Errorf("it does not say that it is emulated:\n%s", r.err)
	}
	for _, path := range []string{"emulated.db", "emulated.db.clay"} {
		info, err := os.Stat(filepath.Join(w.dir, ".local/state/claygate", path))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v: it holds people's data", path, info.Mode(), err)
		}
	}
}

// I6: whatever happens, and however much is logged, no secret and nobody's address is in what people keep as a log.
// What every command says is searched by check.
func TestLogsAreClean(t *testing.T) {
	t.Parallel()
	about := func(who string) func(claytest.Event) bool {
		return func(e claytest.Event) bool { return strings.Contains(string(e.Body), who) }
	}
	w := newWorld(t, claytest.Options{Faults: []claytest.Fault{
		{Kind: claytest.Answer, Status: []int{400}, When: about("lovelace1@"), Body: `{"message":"bad row ` + hookCanary + `"}`},
		{Kind: claytest.Answer, Status: []int{429}, Count: 1},
		{Kind: claytest.DropAfter, When: about("lovelace2@"), Count: 1},
		{Kind: claytest.Answer, Status: []int{500}, When: about("lovelace3@"), Count: 1},
		{Kind: claytest.Answer, Status: []int{502}, When: about("lovelace4@"), Count: 1},
		{Kind: claytest.CallbackDouble, When: about("lovelace5@"), Latency: time.Millisecond},
		{Kind: claytest.CallbackMissing, When: about("lovelace6@")},
	}})
	in := w.file("leads.csv", leads(8)+"bad,row,bob@leads.example\n")
	r := w.enrich(in, "-o", w.path("out.csv"), "--verbose", "--result-timeout", "300ms")
	if r.code != exitSomeFailed || strings.Count(r.err, "attempt") < 8 {
		t.Fatalf("exit %d, the log has too little to prove anything:\n%s", r.code, r.err)
	}
	stranger(t, w) // somebody else's callbacks, while a command runs
	for _, name := range []string{"out.csv"} {
		for _, canary := range []string{hookCanary, tokenCanary, secretCanary} {
			if strings.Contains(w.read(name), canary) {
				t.Errorf("%s is in %s:\n%s", canary, name, w.read(name))
			}
		}
	}
}

// stranger posts what is not a callback of ours to a running command.
func stranger(t *testing.T, w *world) {
	t.Helper()
	c := w.start(append(w.enrichArgs("--fresh", "--verbose", "-o", w.path("3.csv"), "--result-timeout", "1h"), w.file("slow.csv", leads(7)[len(leads(6)):]+"x,lovelace6@leads.example\n"))...)
	c.until("must POST to")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for _, body := range []string{`{"claygate_id":"eve@leads.example"}`, `eve@leads.example`} {
		req, _ := http.NewRequest(http.MethodPost, "http://"+w.callback+"/callbacks/default", strings.NewReader(body))
		req.Header.Set("X-Claygate-Secret", secretCanary)
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	c.until("callback refused")
	c.interrupt <- os.Interrupt
	c.interrupt <- os.Interrupt
	c.wait()
}

// The copy of stdin, with everybody in it, must be gone even after a kill: it has no name while it is used.
func TestStdinLeavesNoFile(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	in, err := openInput(Streams{In: strings.NewReader(leads(3))}, []string{"-"}, "")
	if err != nil {
		t.Fatal(err)
	}
	defer in.close()
	if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
		t.Errorf("%v, %v", files, err)
	}
	if r, err := in.read(); err != nil || len(r.Columns()) != 2 {
		t.Errorf("it cannot be read: %v", err)
	}
}

// A row may join one of another load that is still in the queue: then that one has to be sent.
func TestJoinsARowOfAnotherLoad(t *testing.T) {
	t.Parallel()
	w := newWorld(t, claytest.Options{Misses: -1})
	w.queueAll(w.file("a.csv", leads(5)))
	r := w.enrich(w.file("b.csv", leads(2)), "-o", w.path("out.csv"), "--patience", "5s")
	if r.code != exitOK || w.clay.Stats().Rows != 2 {
		t.Errorf("exit %d, %d rows at Clay, want the 2 that both files have\n%s", r.code, w.clay.Stats().Rows, r.err)
	}
}
