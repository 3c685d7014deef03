package postgres

import (
	"strings"
	"testing"

	"github.com/claygate/claygate/internal/ledger"
	"github.com/claygate/claygate/internal/ledger/postgres/pgtest"
)

// Behind one address may be two servers. A replica that was led to the other one took records that nobody would find.
func TestAnotherLedgerBehindTheAddress(t *testing.T) {
	t.Parallel()
	c := pgtest.Shared(t)
	dsn := c.Database(t)
	s := replica(t, Options{DSN: dsn})
	// As if the address led elsewhere from now on: what is there is another ledger, and all connections are new ones.
	const elsewhere = `UPDATE settings SET value = sha256(value) WHERE name = 'secret:identity';
		SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`
	before := c.SQL(t, dsn, `SELECT value FROM settings WHERE name = 'secret:identity'`)
	c.SQL(t, dsn, elsewhere)
	_, err := s.Accept(t.Context(), []ledger.Submission{sub()})
	if ledger.KindOf(err) != ledger.Busy || !strings.Contains(err.Error(), "another ledger") {
		t.Errorf("it took a record: %v", err)
	}
	if _, err := s.Stopped(t.Context()); ledger.KindOf(err) != ledger.Busy || !strings.Contains(err.Error(), "another ledger") {
		t.Errorf("it read: %v", err)
	}
	if n := c.SQL(t, dsn, `SELECT count(*) FROM records`); n != "0" {
		t.Errorf("the other ledger holds %s records", n)
	}
	c.SQL(t, dsn, `UPDATE settings SET value = '`+before+`' WHERE name = 'secret:identity'`)
	for again := true; again; again = err != nil { // it is tried again within two seconds
		_, err = s.Accept(t.Context(), []ledger.Submission{sub()})
	}
}
