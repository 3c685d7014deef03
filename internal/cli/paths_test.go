package cli

import (
	"os"
	"strings"
	"testing"

	"github.com/claygate/claygate/clay/claytest"
)

// An output that was named like the ledger took its place, and everything that had been paid for was gone.
func TestOutputIsNeverTheLedger(t *testing.T) {
	w := newWorld(t, claytest.Options{Misses: -1})
	input, ledger := w.file("leads.csv", leads(2)), w.path("l.db")
	if err := os.Symlink(ledger, w.path("link.db")); err != nil {
		t.Fatal(err)
	}
	refused := func(when, output string) {
		t.Helper()
		r := w.enrich(input, "--ledger", ledger, "-o", output)
		if r.code != exitInvalid || !strings.Contains(r.err, "is the ledger") {
			t.Errorf("%s, output %s: exit %d, %s", when, output, r.code, r.err)
		}
	}
	refused("before there is a ledger", ledger)
	if r := w.enrich(input, "--ledger", ledger, "-o", w.path("out.csv")); r.code != exitOK {
		t.Fatalf("exit %d: %s", r.code, r.err)
	}
	before := len(w.clay.Requests())
	for _, output := range []string{ledger, w.path("link.db"), ledger + "-wal", ledger + ".lock"} {
		refused("with a ledger", output)
	}
	if r := w.enrich(input, "--ledger", ledger, "-o", w.path("out.csv")); r.code != exitOK || len(w.clay.Requests()) != before {
		t.Errorf("afterwards: exit %d, %d more requests: %s", r.code, len(w.clay.Requests())-before, r.err)
	}
}
