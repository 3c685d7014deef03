package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/claygate/claygate/internal/ledger"
	"github.com/claygate/claygate/internal/ledger/ledgertest"
	"github.com/claygate/claygate/internal/ledger/sqlite"
)

func TestConformance(t *testing.T) {
	ledgertest.Run(t, func(t *testing.T, o ledgertest.Options) ledger.Store {
		t.Helper()
		s, err := sqlite.Open(t.Context(), sqlite.Options{
			Path: filepath.Join(o.Dir, "ledger.db"), Catalog: o.Catalog, Hub: o.Hub, Now: o.Now,
		})
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}
