package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/ncruces/go-sqlite3/driver"
	"go.uber.org/goleak"

	"github.com/claygate/claygate/internal/ledger"
	"github.com/claygate/claygate/internal/ledger/sqlite"
)

var catalog = ledger.NewCatalog([]ledger.Target{{Name: "people", Lane: "main/webhook"}}, nil)

func sqliteOpen(path string) (*sqlite.Store, error) {
	return sqlite.Open(context.Background(), sqlite.Options{Path: path, Catalog: catalog})
}

func open(t testing.TB, path string) (*sqlite.Store, error) {
	t.Helper()
	return sqliteOpen(path)
}

// mustOpen opens a ledger that the test closes at its end.
func mustOpen(t testing.TB, path string) *sqlite.Store {
	t.Helper()
	s, err := open(t, path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func newSub() ledger.Submission {
	return ledger.Submission{ID: ledger.RecordID(uuid.Must(uuid.NewV7())), Target: "people", Await: true, Fields: []byte(`{"email":"ada@example.com"}`)}
}

func accept(t testing.TB, s ledger.Store, subs ...ledger.Submission) {
	t.Helper()
	if _, err := s.Accept(t.Context(), subs); err != nil {
		t.Fatal(err)
	}
}

// wantStored checks that a ledger has exactly some records of its target.
func wantStored(t testing.TB, s ledger.Store, want int, ids ...ledger.RecordID) {
	t.Helper()
	got, err := s.Records(t.Context(), ids)
	if err != nil || len(got) != len(ids) {
		t.Errorf("%d of %d records are there, error %v", len(got), len(ids), err)
	}
	status, err := s.TargetStatus(t.Context(), "people")
	if err != nil || status.Counts.Total() != want {
		t.Errorf("%d records are counted, want %d, error %v", status.Counts.Total(), want, err)
	}
}

func wantKind(t testing.TB, want ledger.Kind, err error) {
	t.Helper()
	if err == nil || ledger.KindOf(err) != want {
		t.Errorf("error %v, want one of kind %s", err, want)
	} else if strings.Contains(err.Error(), "\n") {
		t.Errorf("the error has several lines: %q", err)
	}
}

// raw opens the file beside the store, as another program would.
func raw(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := driver.Open("file:" + path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func execAll(t testing.TB, db *sql.DB, queries ...string) {
	t.Helper()
	for _, q := range queries {
		if _, err := db.Exec(q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
}

func TestOpenTwice(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ledger.db")
	s := mustOpen(t, path)
	link := filepath.Join(dir, "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, link} { // a link to it is the same ledger, with the same lock
		_, err := open(t, p)
		wantKind(t, ledger.Busy, err)
	}
	accept(t, s, newSub()) // the first one goes on
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wantStored(t, mustOpen(t, link), 1)
}

func TestOpenMakesPrivateFiles(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ledger.db")
	for range 2 { // the second time with what the first left
		s, err := open(t, path)
		if err != nil {
			t.Fatal(err)
		}
		accept(t, s, newSub())
		seen := 0
		err = filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
			info, infoErr := d.Info()
			if err := errors.Join(err, infoErr); err != nil {
				return err
			}
			if !d.IsDir() {
				if seen++; info.Mode().Perm() != 0o600 {
					t.Errorf("%s has mode %s, want 0600", p, info.Mode())
				}
			}
			return nil
		})
		if err != nil || seen != 4 {
			t.Errorf("%d files, want the ledger, its log, its index and its lock; error %v", seen, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOpenAnyPath(t *testing.T) {
	for _, name := range []string{
		"plain.db", "with space.db", "100%.db", "%41.db", "what?.db", "what?mode=ro&_pragma=x.db", "a#b.db", "a+b;c.db", "ключ-鍵-🔑.db",
		"'quoted'\".db", "back\\slash.db", ":memory:", "file:x.db", "new\nline.db",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, name)
			sub := newSub()
			s, err := open(t, path)
			if err != nil {
				t.Fatal(err)
			}
			accept(t, s, sub)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(path); err != nil {
				t.Error(err)
			}
			wantStored(t, mustOpen(t, path), 1, sub.ID)
		})
	}
}

func TestOpenRelativePath(t *testing.T) {
	t.Chdir(t.TempDir())
	s := mustOpen(t, "ledger.db")
	accept(t, s, newSub())
	if _, err := os.Stat("ledger.db"); err != nil {
		t.Error(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	other := filepath.Join(dir, "other.db")
	execAll(t, raw(t, other), `CREATE TABLE records (id TEXT)`, `INSERT INTO records VALUES ('mine')`)
	before, err := os.ReadFile(other)
	if err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"text":             write("text.db", "a,b,c\n1,2,3\n"),
		"one byte":         write("byte.db", "x"),
		"half a header":    write("half.db", "SQLite format 3\x00"),
		"random bytes":     write("random.db", strings.Repeat("\x00\xff\x13", 5000)),
		"another database": other,
		"a folder":         dir,
		"no such folder":   filepath.Join(dir, "nowhere", "ledger.db"),
		"below a file":     filepath.Join(write("file", ""), "ledger.db"),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := open(t, path)
			wantKind(t, ledger.Invalid, err)
			if e, ok := errors.AsType[*ledger.Error](err); !ok || e.Hint == "" || !strings.Contains(e.Message, path) {
				t.Errorf("the error %+v does not say what and how to mend it", e)
			}
		})
	}
	if after, err := os.ReadFile(other); err != nil || string(after) != string(before) {
		t.Errorf("another program's database was changed, error %v", err)
	}
	_, err = open(t, write("empty.db", "")) // a file that mktemp made is as good as none
	if err != nil {
		t.Error(err)
	}
}

func TestOpenDamaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	s, err := open(t, path)
	if err != nil {
		t.Fatal(err)
	}
	accept(t, s, newSub())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 100; i < len(content); i++ { // the header stays whole
		content[i] = 0x55
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = open(t, path)
	wantKind(t, ledger.Invalid, err)
}

func TestOpenNewerSchema(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	s, err := open(t, path)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db := raw(t, path)
	execAll(t, db, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)`)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = open(t, path)
	wantKind(t, ledger.Foreign, err)
	if _, err := os.Stat(path + "-wal"); err == nil {
		t.Error("a ledger that was refused is left open")
	}
}

// A refused ledger can be opened by whoever it belongs to: nothing is left locked.
func TestOpenReleasesWhatItRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	if err := os.WriteFile(path, []byte("no ledger"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := open(t, path)
	wantKind(t, ledger.Invalid, err)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, path)
}

func TestOpenLeaksNothing(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	dir := t.TempDir()
	path := filepath.Join(dir, "ledger.db")
	for range 2 {
		s, err := open(t, path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = open(t, path)
		wantKind(t, ledger.Busy, err)
		accept(t, s, newSub())
		if err := errors.Join(s.Close(), s.Close()); err != nil {
			t.Error(err)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 {
		t.Errorf("%v is left, want the ledger and its lock; error %v", left, err)
	}
}
