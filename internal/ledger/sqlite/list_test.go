package sqlite

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/claygate/claygate/internal/ledger"
)

// The index of records in trouble was never used, because no query said what it holds; each of them read every record.
func TestListTroubleByItsIndex(t *testing.T) {
	s, err := Open(t.Context(), Options{Path: filepath.Join(t.TempDir(), "ledger.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for name, c := range map[string]struct {
		query ledger.Query
		want  bool
	}{
		"dead":           {ledger.Query{States: []ledger.State{ledger.Dead}}, true},
		"all trouble":    {ledger.Query{States: trouble, Target: "people", Before: ledger.RecordID{9}}, true},
		"done and dead":  {ledger.Query{States: []ledger.State{ledger.Done, ledger.Dead}}, false},
		"whatever state": {ledger.Query{}, false},
	} {
		where, args := conditions(c.query)
		rows, err := s.read.Query(`EXPLAIN QUERY PLAN SELECT `+recordColumns+` FROM records r`+where+` ORDER BY r.id DESC LIMIT 5`, args...)
		if err != nil {
			t.Fatal(err)
		}
		plan := ""
		for rows.Next() {
			var id, parent, unused int
			var step string
			if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
				t.Fatal(err)
			}
			plan += step + "; "
		}
		rows.Close()
		if got := strings.Contains(plan, "records_trouble"); got != c.want || strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("%s: %s", name, plan)
		}
	}
}
