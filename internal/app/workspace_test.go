package app

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"
)

// manyWorkspaces is how many a gateway is tried with: CLAYGATE_WORKSPACES, or what an agency has.
func manyWorkspaces() int {
	if n, err := strconv.Atoi(os.Getenv("CLAYGATE_WORKSPACES")); err == nil {
		return n
	}
	return 60
}

// Each workspace has its own pace, and gets all of it: what waits for one, however much, holds up no other.
func TestManyWorkspacesSideBySide(t *testing.T) {
	const few, many = 5, 3000
	n := manyWorkspaces()
	began := time.Now()
	s := serveWith(t, func(s *service) Config {
		targets := make([]Target, n)
		for i := range targets {
			w := fmt.Sprintf("w%03d", i)
			targets[i] = Target{Workspace: w, Name: w + "/people"}
		}
		return s.config(filepath.Join(t.TempDir(), "ledger.db"), targets...)
	})
	started := time.Since(began)
	hand := func(workspace, records int) {
		items := make([]map[string]any, records)
		for i := range items {
			items[i] = map[string]any{"fields": map[string]any{"n": i}}
		}
		if status, body := s.post(fmt.Sprintf("http://%s/v1/targets/w%03d/people/records", s.APIAddr(), workspace), items); status != http.StatusAccepted {
			t.Fatalf("%d %s", status, body)
		}
	}
	first := time.Now() // it sends before it has answered
	hand(0, many)
	began = time.Now()
	for i := 1; i < n; i++ {
		hand(i, few)
	}
	handed, arrived := time.Since(began), map[string]int{}
	for left := few * (n - 1); left > 0; {
		table := s.row()["table"].(string)
		if arrived[table]++; table != "w000/people" {
			left--
		}
	}
	took := time.Since(began)
	if most := 20 + int(11*time.Since(first).Seconds()); arrived["w000/people"] > most {
		t.Errorf("the workspace with much to do sent %d in %s", arrived["w000/people"], time.Since(first))
	}
	for name, rows := range arrived {
		if name != "w000/people" && rows != few {
			t.Errorf("%s sent %d, want %d", name, rows, few)
		}
	}
	if waits := took - handed; waits > 10*time.Second {
		t.Errorf("the last of %d workspaces with %d records each waited %s behind one with %d", n, few, waits, many)
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	t.Logf("%d workspaces: started in %s, %d records of each handed in in %s and sent %s after that, %d MB of heap, %d goroutines",
		n, started, few, handed, took-handed, memory.HeapInuse>>20, runtime.NumGoroutine())
}
