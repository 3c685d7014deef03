package sqlite

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/internal/ledger"
)

// Lists read what they show and little more: by the index of records in trouble, by a key's records, by a target's
// spans. Each of these once read every record of the ledger.
func TestListsAreAnsweredFromAnIndex(t *testing.T) {
	s, err := Open(t.Context(), Options{Path: filepath.Join(t.TempDir(), "ledger.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for name, c := range map[string]struct {
		query ledger.Query
		want  []string // each in its own step of the plan
	}{
		"dead":            {ledger.Query{States: []ledger.State{ledger.Dead}}, []string{"SCAN r USING INDEX records_trouble"}},
		"all trouble":     {ledger.Query{States: trouble, Target: "people", Before: ledger.RecordID{9}}, []string{"SEARCH r USING INDEX records_trouble (id<?)"}},
		"done and dead":   {ledger.Query{States: []ledger.State{ledger.Done, ledger.Dead}}, []string{"SCAN r"}},
		"whatever state":  {ledger.Query{}, []string{"SCAN r"}},
		"a page further":  {ledger.Query{Before: ledger.RecordID{9}, Bodies: true}, []string{"SEARCH r USING PRIMARY KEY (id<?)"}},
		"a target":        {ledger.Query{Target: "people"}, []string{"SEARCH s USING PRIMARY KEY (target=?)", "SEARCH r USING PRIMARY KEY (id>? AND id<?)"}},
		"a page of it":    {ledger.Query{Target: "people", Before: ledger.RecordID{9}, Bodies: true}, []string{"SEARCH s USING PRIMARY KEY (target=? AND first<?)", "SEARCH r USING PRIMARY KEY (id>? AND id<?)"}},
		"a target's done": {ledger.Query{Target: "people", States: []ledger.State{ledger.Done}}, []string{"SEARCH s USING PRIMARY KEY (target=?)", "SEARCH r USING PRIMARY KEY (id>? AND id<?)"}},
		"a key":           {ledger.Query{Key: ledger.Digest{1}}, []string{"SEARCH r USING INDEX records_shared (key=?)", "SEARCH k USING PRIMARY KEY (key=?)", "SEARCH r USING PRIMARY KEY (id=?)"}},
		"a page of a key": {ledger.Query{Key: ledger.Digest{1}, Target: "people", Before: ledger.RecordID{9}, Bodies: true},
			[]string{"SEARCH r USING INDEX records_shared (key=? AND id<?)", "SEARCH k USING PRIMARY KEY (key=?)", "SEARCH r USING PRIMARY KEY (id=?)"}},
	} {
		query, args := listing(c.query)
		plan := planOf(t, s, query, args)
		var got []string
		for _, step := range plan {
			if strings.Contains(step, "TEMP B-TREE") {
				t.Errorf("%s is sorted: %q", name, plan)
			}
			if !strings.HasPrefix(step, "SEARCH b ") && !strings.HasPrefix(step, "SEARCH res ") && strings.HasPrefix(step, "S") {
				got = append(got, step)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
}

func planOf(t *testing.T, s *Store, query string, args []any) (steps []string) {
	t.Helper()
	rows, err := s.read.Query(`EXPLAIN QUERY PLAN `+query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	return steps
}
