package e2e_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/claygate/claygate/internal/ledger/postgres/pgtest"
)

// next is a migration as the next version might bring one: it changes a table that is written to all the time.
const next = `-- +goose Up
ALTER TABLE records ADD COLUMN next bigint NOT NULL DEFAULT 0;
CREATE TABLE next (id bigint PRIMARY KEY);
CREATE INDEX records_next ON records (next) WHERE next <> 0;
`

// upgraded builds claygate with a schema that is one step further.
var upgraded = sync.OnceValues(func() (string, error) {
	migrations, err := filepath.Abs("../internal/ledger/postgres/migrations")
	if err != nil {
		return "", err
	}
	added := filepath.Join(buildDir, "next.sql")
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(migrations, "9999_next.sql"): added}})
	if err == nil {
		err = os.WriteFile(added, []byte(next), 0o600)
	}
	if err == nil {
		err = os.WriteFile(added+".json", overlay, 0o600)
	}
	if err != nil {
		return "", err
	}
	return build("upgraded", "-overlay", added+".json")
})

// Replicas are replaced one by one by those of the next version, whose first one changes the schema under the load of the
// others. No caller fails who tries once more; and the version before is refused afterwards.
func TestRollingUpgrade(t *testing.T) {
	t.Parallel()
	newer, err := upgraded()
	if err != nil {
		t.Fatal(err)
	}
	r := newReplicas(t, pgtest.Start(t, pgtest.Options{Volatile: true}), 3)
	r.startAll()
	wait := r.twiceEach(t.Context())
	for _, n := range r.nodes {
		r.more(30)
		r.must(n.cmd.Process.Signal(os.Interrupt))
		n.mustEnd(0)
		n.binary = newer
		n.start()
	}
	r.more(30)
	wait()
	if have := r.cluster.SQL(t, r.dsn, `SELECT max(version_id) FROM goose_db_version`); have != "9999" {
		t.Errorf("the schema is %s", have)
	}
	t.Log(r.settle())
	last := r.nodes[0]
	last.binary = ""
	last.launch()
	if said := last.mustEnd(2); !strings.Contains(said, "has schema 9999") {
		t.Errorf("the version before says: %s", said)
	}
}
