package pgtest_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/internal/ledger/postgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// TestPullThePlug holds the cluster to keeping what was committed over a stop without warning, on the same port.
func TestPullThePlug(t *testing.T) {
	c := pgtest.Start(t, pgtest.Options{Settings: []string{"work_mem = 7MB"}})
	dsn := c.Database(t)
	c.SQL(t, dsn, "CREATE TABLE kept (n integer); INSERT INTO kept VALUES (7)")
	port := c.Port()
	c.Stop(t, "immediate")
	c.Restart(t)
	got := []string{c.SQL(t, dsn, "SELECT n FROM kept"), c.SQL(t, dsn, "SHOW work_mem"), c.SQL(t, dsn, "SHOW fsync")}
	if diff := cmp.Diff([]string{"7", "7MB", "on"}, got); diff != "" || c.Port() != port {
		t.Errorf("after the restart, on port %d, once %d (-want +got):\n%s", c.Port(), port, diff)
	}
}

// TestShared proves that each test of a package has a database of its own in one cluster.
func TestShared(t *testing.T) {
	first, second := pgtest.Shared(t), pgtest.Shared(t)
	if a, b := first.Database(t), second.Database(t); first != second || a == b {
		t.Errorf("clusters %p and %p, databases %s and %s", first, second, a, b)
	}
}
