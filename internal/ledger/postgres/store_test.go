package postgres

import (
	"context"
	"flag"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/claygate/claygate/internal/ledger"
	"github.com/claygate/claygate/internal/ledger/ledgertest"
	"github.com/claygate/claygate/internal/ledger/postgres/pgtest"
)

// TestMain plays fewer histories than elsewhere unless it is told how many: each step is a way to the server and back.
func TestMain(m *testing.M) {
	if os.Getenv("RAPID_CHECKS") == "" {
		if err := flag.Set("rapid.checks", "25"); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(pgtest.Tests{M: m})
}

func TestConformance(t *testing.T) {
	var named databases
	ledgertest.RunShared(t, func(t *testing.T, o ledgertest.Options) ledger.Store {
		t.Helper()
		s, err := Open(t.Context(), Options{DSN: named.of(t, o.Dir), Catalog: o.Catalog, Hub: o.Hub, Now: o.Now, deaf: true, blind: true})
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}

// databases gives the ledger of each folder a database. A folder that is gone needs its own no longer: emptying it is faster
// than making another.
type databases struct {
	mu  sync.Mutex
	dsn map[string]string
}

func (d *databases) of(t *testing.T, dir string) string {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if dsn := d.dsn[dir]; dsn != "" {
		return dsn
	}
	if d.dsn == nil {
		d.dsn = map[string]string{}
	}
	for former, dsn := range d.dsn {
		if _, err := os.Stat(former); err != nil {
			delete(d.dsn, former)
			empty(t, dsn)
			d.dsn[dir] = dsn
			return dsn
		}
	}
	d.dsn[dir] = pgtest.Shared(t).Database(t)
	return d.dsn[dir]
}

func empty(t *testing.T, dsn string) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(context.Background(), `TRUNCATE `+strings.Join(tables, ", ")+` RESTART IDENTITY`); err != nil {
		t.Fatal(err)
	}
}
