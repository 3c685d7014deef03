package app

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/claygate/claygate/internal/ledger"
	"github.com/claygate/claygate/internal/ledger/postgres"
	"github.com/claygate/claygate/internal/ledger/sqlite"
)

// Move says which ledger to copy where.
type Move struct {
	From string // the path of a ledger's file that no process has in use
	To   string // the DSN of an empty database, a secret
	Name string // what may be shown of it
	// Tell, when set, is told how many rows of a table are in the database, as it goes on.
	Tell func(table string, rows int)
}

// Moved is a table that was copied.
type Moved struct {
	Table string
	Rows  int
}

// movedTo is why a ledger that was copied sends nothing any more.
const movedTo = "its records were copied to "

// notMoved are tables that the file has for itself.
var notMoved = []string{"spans"}

// CopyLedger copies a ledger into a database, row by row, and compares the two. The file's ledger is stopped for good: what
// it holds is sent from the database. Broken off, it goes on where it was when it is called again. The error is of kind
// Conflict when the database holds something else, or another ledger than the file was meanwhile.
func CopyLedger(ctx context.Context, m Move) (done []Moved, err error) {
	from, err := sqlite.Open(ctx, sqlite.Options{Path: m.From})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	stops, err := from.Stopped(ctx)
	if err != nil {
		return nil, err
	}
	stopped := stops[ledger.Everything]
	name, err := identity(ctx, from)
	if err != nil {
		return nil, err
	}
	to, err := postgres.BeginImport(ctx, m.To, name, stopped)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	if reason := movedTo + m.Name; stopped != reason {
		if err := from.Stop(ctx, ledger.Everything, reason); err != nil {
			return nil, err
		}
	}
	c := copier{from: from, to: to, tell: m.Tell, stopped: to.Kept}
	return c.run(ctx)
}

// identity tells a ledger from others: by a secret of its own, which is not told.
func identity(ctx context.Context, s *sqlite.Store) (string, error) {
	secret, err := s.Secret(ctx, "identity")
	return hex.EncodeToString(secret), err
}

// copier copies tables.
type copier struct {
	from    *sqlite.Store
	to      *postgres.Import
	tell    func(string, int)
	stopped string // why nothing was sent before it was copied; "" when it was
}

// page is how many rows are copied together.
const page = 2000

func (c copier) run(ctx context.Context) ([]Moved, error) {
	tables, err := c.from.Tables(ctx)
	if err != nil {
		return nil, err
	}
	tables = slices.DeleteFunc(tables, func(t ledger.Table) bool { return slices.Contains(notMoved, t.Name) })
	for _, t := range tables { // before anything is written
		if lacks := c.to.Lacks(t); lacks != "" {
			return nil, &ledger.Error{Kind: ledger.Internal, Op: "copy", Message: "a database has no place for " + lacks}
		}
	}
	for _, t := range tables {
		if err := c.table(ctx, t); err != nil {
			return nil, err
		}
	}
	var done []Moved
	for _, t := range tables {
		rows, err := c.compare(ctx, t)
		if err != nil {
			return nil, err
		}
		done = append(done, Moved{t.Name, rows})
	}
	return done, c.to.Finish(ctx)
}

// table copies what of a table is not in the database yet.
func (c copier) table(ctx context.Context, t ledger.Table) error {
	after, err := c.to.Last(ctx, t)
	if err != nil {
		return err
	}
	err = c.pages(ctx, t, after, func(rows [][]any) error { return c.to.Write(ctx, t, rows) })
	if err != nil {
		return err
	}
	last, err := c.from.Numbered(ctx, t.Name)
	if err != nil {
		return err
	}
	return c.to.Number(ctx, t, last)
}

// pages visits the rows of a table as they are in the database.
func (c copier) pages(ctx context.Context, t ledger.Table, after []any, visit func([][]any) error) error {
	for total := 0; ; {
		rows, err := c.from.Page(ctx, t, after, page)
		if err != nil || len(rows) == 0 {
			return err
		}
		after = nil
		for _, name := range t.Key {
			after = append(after, rows[len(rows)-1][slices.Index(t.Columns, name)])
		}
		fitted := make([][]any, 0, len(rows))
		for _, row := range rows {
			if row, err = c.to.Fit(t, c.before(t, row)); err != nil {
				return err
			}
			fitted = append(fitted, row)
		}
		if err := visit(fitted); err != nil {
			return err
		}
		if total += len(rows); c.tell != nil {
			c.tell(t.Name, total)
		}
	}
}

// before returns a row as it was before the ledger was stopped for being copied.
func (c copier) before(t ledger.Table, row []any) []any {
	if t.Name == "settings" && row[0] == "stopped" {
		return []any{"stopped", []byte(c.stopped)}
	}
	return row
}

// compare holds the rows of a table in the database to those of the file, and returns how many they are.
func (c copier) compare(ctx context.Context, t ledger.Table) (rows int, err error) {
	var want ledger.Checksum
	quiet := c
	quiet.tell = nil
	err = quiet.pages(ctx, t, nil, func(rows [][]any) error {
		for _, row := range rows {
			if err := want.Add(row); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	got, err := c.to.Sum(ctx, t)
	if err == nil && got != want {
		err = &ledger.Error{
			Kind: ledger.Conflict, Op: "copy", Message: fmt.Sprintf("the table %s has %d rows in the file and %d in the database, which are not the same", t.Name, want.Rows, got.Rows),
			Hint: "the file changed between two tries, or somebody wrote to the database: begin again with an empty one",
		}
	}
	return want.Rows, err
}
