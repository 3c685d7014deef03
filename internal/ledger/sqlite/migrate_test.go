package sqlite

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/pressly/goose/v3"

	"github.com/claygate/claygate/internal/ledger"
)

// firstSchema makes a ledger as the first version of the schema had it, with one load in it.
func firstSchema(t *testing.T, path string) {
	t.Helper()
	db, err := connect(source(path, ""), 1, mark, `PRAGMA journal_mode=WAL`)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	steps, err := goose.NewProvider(goose.DialectSQLite3, db, dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := steps.UpTo(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`INSERT INTO loads (id, target, name, created_at) VALUES (7, 'people', 'leads.csv', 0)`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// A ledger of the first version is opened with all that is in it, and a copy of what it was is kept beside it.
func TestMigrateKeepsACopy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "it's 100% a?ledger#.db")
	firstSchema(t, path)
	s, err := Open(t.Context(), Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if id, err := s.Load(t.Context(), ledger.Load{Target: "people", Name: "leads.csv"}); err != nil || id != 7 {
		t.Errorf("the load is %d, error %v", id, err)
	}
	copies, err := filepath.Glob(filepath.Dir(path) + "/*.before-*")
	if err != nil || len(copies) != 1 {
		t.Fatalf("copies %v, error %v", copies, err)
	}
	if info, err := os.Stat(copies[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy has mode %v, error %v", info.Mode(), err)
	}
	before, err := connect(source(copies[0], ""), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer before.Close()
	var version int
	if err := before.QueryRow(`SELECT max(version_id) FROM goose_db_version`).Scan(&version); err != nil || version != 1 {
		t.Errorf("the copy has schema %d, error %v", version, err)
	}
}
