package e2e_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What the README shows: the example's rows, with Clay emulated in the same process. Killed and run again it goes on
// where it stopped: the emulator, killed too, still calls back for the rows that it took before.
func TestEmulatedKillAndResume(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	ledger, out := filepath.Join(home, "emulated.db"), filepath.Join(home, "enriched.csv")
	run := func() *child {
		return start(t, []string{"HOME=" + home}, "enrich", "../examples/leads.csv", "--emulate", "--ledger", ledger, "-o", out, "--result-timeout", "3s")
	}
	for _, moment := range []time.Duration{900 * time.Millisecond, 700 * time.Millisecond} {
		c := run()
		pause(t.Context(), moment)
		if !c.alive() {
			t.Fatalf("it ended before it could be killed:\n%s", c.err.String())
		}
		c.kill()
	}
	before := emulatedRows(t, ledger)
	began := time.Now()
	said := run().mustEnd(0)
	after := emulatedRows(t, ledger)
	t.Logf("%d rows at Clay before the last run, which took %s, and %d after it\n%s", len(before), time.Since(began).Round(time.Millisecond), len(after), said)

	if got := statuses(t, out); got["ok"]+got["not_found"]+got["cached"] != 48 {
		t.Errorf("statuses: %v", got)
	}
	books := read(t, ledger)
	perRecord := map[string]int{}
	for _, body := range after {
		perRecord[ticketOf(t, body).record]++
	}
	for record, n := range perRecord {
		if n > 1+books.doubles[record] {
			t.Errorf("record %s has %d rows at Clay, with %d attempts that may have doubled it", record, n, books.doubles[record])
		}
	}
	if diff := cmp.Diff(45, len(perRecord)); diff != "" {
		t.Errorf("records at Clay: every row but the three duplicates (-want +got):\n%s", diff)
	}

	// A further run pays nothing.
	run().mustEnd(0)
	if n := len(emulatedRows(t, ledger)) - len(after); n != 0 {
		t.Errorf("a further run made %d rows", n)
	}
}

// emulatedRows reads the rows that the emulator of a ledger has taken, from its journal.
func emulatedRows(t *testing.T, ledger string) (bodies [][]byte) {
	t.Helper()
	f, err := os.Open(ledger + ".clay")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var entry struct {
			Op   string
			Body json.RawMessage
		}
		if err := json.Unmarshal(lines.Bytes(), &entry); err != nil {
			continue // the last line of a killed process may be torn
		}
		if entry.Op == "row" {
			bodies = append(bodies, entry.Body)
		}
	}
	return bodies
}
