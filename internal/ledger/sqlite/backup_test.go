package sqlite_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/claygate/claygate/internal/ledger"
	"github.com/claygate/claygate/internal/ledger/sqlite"
)

// A backup that is taken while records come in holds those that were acknowledged before it; restored, it sends nothing
// until a person says so.
func TestBackupAndRestore(t *testing.T) {
	dir := t.TempDir()
	path, copyPath, restored := filepath.Join(dir, "l.db"), filepath.Join(dir, "backup.db"), filepath.Join(dir, "r.db")
	target := ledger.Target{Name: "people", Lane: "main/webhook"}
	catalog := ledger.NewCatalog([]ledger.Target{target}, nil)
	s, err := sqlite.Open(t.Context(), sqlite.Options{Path: path, Catalog: catalog})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	acceptRange(t, s, 1, 50)
	if err := sqlite.Backup(t.Context(), path, copyPath); err != nil {
		t.Fatal(err)
	}
	acceptRange(t, s, 51, 60)
	if info, err := os.Stat(copyPath); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup is %v, %v; want mode 0600", info, err)
	}
	if err := sqlite.Backup(t.Context(), path, copyPath); ledger.KindOf(err) != ledger.Invalid {
		t.Errorf("a second backup to the same file: %v, want a refusal", err)
	}

	if err := sqlite.Restore(t.Context(), copyPath, restored, "restored"); err != nil {
		t.Fatal(err)
	}
	if err := sqlite.Restore(t.Context(), copyPath, restored, "restored"); ledger.KindOf(err) != ledger.Invalid {
		t.Errorf("a second restore over the ledger: %v, want a refusal", err)
	}
	r, err := sqlite.Open(t.Context(), sqlite.Options{Path: restored, Catalog: catalog})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	status, err := r.TargetStatus(t.Context(), "people")
	if err != nil || status.Counts.Total() != 50 {
		t.Errorf("%v records, %v; want the 50 of the backup", status.Counts, err)
	}
	want := ledger.Want{Lane: "main/webhook", Max: 5}
	if claims, err := r.Claim(t.Context(), want); err != nil || len(claims.Work) > 0 {
		t.Errorf("claimed %d of a restored ledger, %v; want none", len(claims.Work), err)
	}
	if err := r.Start(t.Context(), ledger.Everything); err != nil {
		t.Fatal(err)
	}
	if claims, err := r.Claim(t.Context(), want); err != nil || len(claims.Work) != 5 {
		t.Errorf("claimed %d after the release, %v; want 5", len(claims.Work), err)
	}
}

// acceptRange stores the records from one number to another.
func acceptRange(t *testing.T, s *sqlite.Store, from, to int) {
	t.Helper()
	for n := from; n <= to; n++ {
		_, err := s.Accept(context.Background(), []ledger.Submission{{
			ID: ledger.RecordID{14: byte(n >> 8), 15: byte(n)}, Target: "people", Fields: json.RawMessage(`{}`), Await: true,
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
}
