package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"
	"github.com/pressly/goose/v3"

	"github.com/claygate/claygate/internal/crash"
	"github.com/claygate/claygate/internal/ledger"
)

//go:embed migrations/*.sql
var migrations embed.FS

// readers is the number of connections for reading.
const readers = 4

// Open opens a ledger, making or migrating it as needed. The error is a [*ledger.Error]: kind Busy when another
// process has it, Foreign when a newer version wrote it, Invalid when the file is something else.
func Open(ctx context.Context, o Options) (*Store, error) {
	path, err := locate(o.Path)
	if err != nil {
		return nil, err
	}
	s := &Store{hub: o.Hub, vfs: o.vfs, told: o.Broken, lock: flock.New(path+".lock", flock.SetPermissions(0o600))}
	if o.Catalog == nil {
		o.Catalog = ledger.NewCatalog(nil, nil)
	}
	s.catalog.Store(o.Catalog)
	if s.hub == nil {
		s.hub = &ledger.Hub{}
	}
	now := o.Now
	if now == nil {
		now = time.Now
	}
	s.now = func() time.Time { return now().Truncate(time.Microsecond) }
	if err := s.open(ctx, path); err != nil {
		return nil, errors.Join(err, s.release())
	}
	s.group = ledger.NewGroup(groupSize, s.transact)
	if err := s.adopt(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, path string) error {
	fresh, err := s.own(path)
	if err != nil {
		return err
	}
	pragmas := []string{`PRAGMA journal_mode=WAL`, `PRAGMA synchronous=FULL`}
	if fresh {
		pragmas = append([]string{mark}, pragmas...)
	}
	if s.write, err = connect(source(path, s.vfs), 1, pragmas...); err != nil {
		return damaged(path, err)
	}
	if err := migrate(ctx, path, s.write); err != nil {
		return err
	}
	if err := hide(path); err != nil {
		return err
	}
	if s.writer, err = newWriter(ctx, s.write); err != nil {
		return damaged(path, err)
	}
	if s.read, err = connect(source(path, s.vfs), readers, `PRAGMA query_only=ON`); err != nil {
		return damaged(path, err)
	}
	if s.checkpoint, err = connect(source(path, s.vfs), 1); err != nil {
		return damaged(path, err)
	}
	return nil
}

// source names a file to SQLite, whatever characters its path has, and the VFS to open it with; "" for [diskVFS].
func source(path, vfs string) string {
	u := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path)}
	u.RawQuery = url.Values{"vfs": {cmp.Or(vfs, diskVFS)}}.Encode()
	return u.String()
}

// connect opens a pool on a file and prepares each of its connections.
func connect(source string, conns int, pragmas ...string) (*sql.DB, error) {
	pragmas = append(pragmas,
		`PRAGMA busy_timeout=5000`, // checkpoints of the other pool; nothing else competes
		`PRAGMA foreign_keys=OFF`,  // there are none: erasure removes bodies apart from their records
		`PRAGMA temp_store=MEMORY`, // no personal data in temporary files
		`PRAGMA cache_size=-4096`,  // 4 MiB a connection: after a commit that split pages SQLite walks over all that is cached
		`PRAGMA secure_delete=ON`,  // what is erased is overwritten
	)
	db, err := driver.Open(source, func(c *sqlite3.Conn) error {
		for _, p := range pragmas {
			if err := c.Exec(p); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	if err := db.Ping(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// migrate brings the schema up to date. It keeps a copy of the file first, and refuses a schema that it does not know.
func migrate(ctx context.Context, path string, db *sql.DB) error {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return wrap("migrate", err)
	}
	steps, err := goose.NewProvider(goose.DialectSQLite3, db, dir)
	if err != nil {
		return wrap("migrate", err)
	}
	have, want, err := steps.GetVersions(ctx)
	switch {
	case err != nil:
		return damaged(path, err)
	case have > want:
		return &ledger.Error{
			Kind: ledger.Foreign, Op: "open",
			Message: fmt.Sprintf("the ledger %s has schema %d and this version knows %d", path, have, want),
			Hint:    "it was written by a newer claygate: use that one, or name another ledger with --ledger",
		}
	case have == want:
		return nil
	case have > 0:
		if err := keepCopy(ctx, db, fmt.Sprintf("%s.before-%d", path, want)); err != nil {
			return err
		}
	}
	if _, err = steps.Up(ctx); err != nil {
		return damaged(path, err)
	}
	return nil
}

// keepCopy writes a consistent copy of the ledger beside it, under its name only once it is whole.
func keepCopy(ctx context.Context, db *sql.DB, copyPath string) error {
	if _, err := os.Stat(copyPath); err == nil {
		return nil // of an earlier try
	}
	partial := copyPath + ".partial"
	err := errors.Join(os.RemoveAll(partial), touch(partial)) // an empty file, so that the copy gets its mode
	if err == nil {
		_, err = db.ExecContext(ctx, `VACUUM INTO ?`, partial)
	}
	if err == nil {
		err = os.Rename(partial, copyPath)
	}
	return wrap("copy before the migration", err)
}

// adopt makes the records uncertain that a former process had claimed: the lock proves that it is gone.
func (s *Store) adopt(ctx context.Context) error {
	rows, err := s.read.QueryContext(ctx, `SELECT id FROM records WHERE due_at IS NOT NULL AND state = 'sending'`)
	if err != nil {
		return wrap("open", err)
	}
	ids, err := recordIDs(rows)
	if err != nil {
		return wrap("open", err)
	}
	entries := make([]ledger.Entry, len(ids))
	for i, id := range ids {
		entries[i] = ledger.Entry{Record: id, Event: ledger.Tick{Orphaned: true}}
	}
	if len(entries) > 0 {
		crash.Point(crash.Adopting)
	}
	if _, err = s.Apply(ctx, entries); err != nil {
		return err
	}
	return s.do(ctx, "open", func(t *tx) error { return errors.Join(t.orphanRuns(), t.orphanDeliveries()) })
}

// orphanRuns does the same for the runs that the former process was starting.
func (t *tx) orphanRuns() error {
	starting, err := t.runIDs(`SELECT id FROM runs WHERE due_at IS NOT NULL AND state = 'starting'`)
	if err != nil {
		return err
	}
	for _, id := range starting {
		r, _, err := t.run(id)
		if err == nil {
			_, err = t.applyRun(r, ledger.RunTick{Orphaned: true})
		}
		if err != nil {
			return err
		}
	}
	return nil
}
