package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/claygate/claygate/clay/claytest"
	"github.com/claygate/claygate/client"
)

// exporting writes a workspace's records, to standard output and to a file that is there when it is whole.
func exporting(t *testing.T, w *world, ledger, id string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "main.ndjson")
	all := w.run("export", "--workspace", "main", "--ledger", ledger)
	r := last[client.Record](t, all)
	if all.code != exitOK || r.ID != id || len(r.Attempts) != 1 || len(r.Fields) < 3 || len(r.Result) < 3 {
		t.Errorf("export: exit %d, %s%s", all.code, all.out, all.err)
	}
	if to := w.run("export", "-t", "default", "-o", path, "--ledger", ledger); to.code != exitOK || to.out != "" {
		t.Errorf("export to a file: exit %d, %s%s", to.code, to.out, to.err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != all.out {
		t.Errorf("the file has %s, %v", text, err)
	}
	for _, wrong := range [][]string{{"--workspace", "amce", "-o", path + "2"}, {}, {"--workspace", "main", "-t", "default"}} {
		if r := w.run(append([]string{"export", "--ledger", ledger}, wrong...)...); r.code == exitOK || !strings.Contains(r.err, "workspace") {
			t.Errorf("export %q: exit %d, %s", wrong, r.code, r.err)
		}
	}
	if _, err := os.Stat(path + "2"); err == nil {
		t.Error("an export that failed left a file")
	}
}

// A workspace is emptied once it is said that it is meant.
func TestEraseAWorkspace(t *testing.T) {
	w := newWorld(t, claytest.Options{Misses: -1})
	ledger := w.path("l.db")
	if r := w.enrich(w.file("leads.csv", "email\nada.lovelace@acme.example\n"), "--ledger", ledger); r.code != exitOK {
		t.Fatalf("exit %d: %s", r.code, r.err)
	}
	for _, refused := range []struct{ args, says string }{
		{"", "which workspace"}, {"--workspace main", "default"}, {"--workspace amce", "no target"}, {"--workspace amce --yes", "no workspace"},
	} {
		r := w.run(append([]string{"erase", "--ledger", ledger}, strings.Fields(refused.args)...)...)
		if r.code == exitOK || !strings.Contains(r.err, refused.says) {
			t.Errorf("erase %s: exit %d, %s", refused.args, r.code, r.err)
		}
	}
	if r := last[client.Record](t, w.run("export", "--workspace", "main", "--ledger", ledger)); len(r.Fields) < 3 {
		t.Error("it was erased without a yes")
	}
	r := w.run("erase", "--workspace", "main", "--yes", "--ledger", ledger)
	if e := last[client.Erased](t, r); r.code != exitOK || e.Records != 1 {
		t.Errorf("erase: exit %d, %s%s", r.code, r.out, r.err)
	}
	if r := last[client.Record](t, w.run("export", "--workspace", "main", "--ledger", ledger)); string(r.Fields) != "null" || string(r.Result) != "null" {
		t.Errorf("after it there is %+v", r)
	}
}
