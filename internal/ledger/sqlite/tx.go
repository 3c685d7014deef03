package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// writer is the connection that writes, with its prepared statements.
type writer struct {
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
}

func newWriter(ctx context.Context, db *sql.DB) (*writer, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &writer{conn: conn, stmts: map[string]*sql.Stmt{}}, nil
}

func (w *writer) close() error {
	var errs []error
	for _, stmt := range w.stmts {
		errs = append(errs, stmt.Close())
	}
	return errors.Join(append(errs, w.conn.Close())...)
}

// tx is one transaction of the writer. It gathers what is cheaper to write once at the end: counters and lanes.
type tx struct {
	*writer
	store  *Store
	now    time.Time
	counts map[string]ledger.Counts
	lanes  map[ledger.LaneID]*laneRow
	topics map[any]struct{} // to publish after the commit
}

// background is the context of every statement of the writer: a transaction that others share is not one caller's to
// cancel.
var background = context.Background()

// transact runs a function in one transaction. After an error that leaves the disk's state unknown the store refuses
// everything: nothing may be acknowledged any more.
func (s *Store) transact(run func(*tx) error) error {
	if broken := s.broken.Load(); broken != nil {
		return broken // the calls that waited, or shared the transaction, when it broke
	}
	t := &tx{
		writer: s.writer, store: s, now: s.now(),
		counts: map[string]ledger.Counts{}, lanes: map[ledger.LaneID]*laneRow{}, topics: map[any]struct{}{},
	}
	if _, err := t.exec(`BEGIN IMMEDIATE`); err != nil {
		return s.failed("begin", err)
	}
	err := run(t)
	if err == nil {
		err = t.flush()
	}
	if err == nil {
		_, err = t.exec(`COMMIT`)
	}
	if err != nil {
		_, rollback := t.exec(`ROLLBACK`) // fails when SQLite rolled back by itself
		_ = rollback
		return s.failed("commit", err)
	}
	s.hub.Publish(t.topics)
	return nil
}

func (s *Store) failed(op string, err error) error {
	if fatal(err) {
		broken := &ledger.Error{
			Kind: ledger.Unavailable, Op: op, Message: "the disk failed under the ledger, which takes nothing more",
			Hint: "check the disk, then start again: what was acknowledged before is safe", Err: err,
		}
		s.broken.CompareAndSwap(nil, broken)
		return broken
	}
	return err
}

// stmt returns the prepared statement for a query.
func (t *tx) stmt(query string) (*sql.Stmt, error) {
	if stmt, ok := t.stmts[query]; ok {
		return stmt, nil
	}
	stmt, err := t.conn.PrepareContext(background, query)
	if err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	t.stmts[query] = stmt
	return stmt, nil
}

func (t *tx) exec(query string, args ...any) (sql.Result, error) {
	stmt, err := t.stmt(query)
	if err != nil {
		return nil, err
	}
	return stmt.ExecContext(background, args...)
}

// row runs a query for one row; found is false when there is none.
func (t *tx) row(query string, args []any, dest ...any) (found bool, err error) {
	stmt, err := t.stmt(query)
	if err != nil {
		return false, err
	}
	err = stmt.QueryRowContext(background, args...).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// ids runs a query whose rows are record IDs.
func (t *tx) ids(query string, args ...any) ([]ledger.RecordID, error) {
	stmt, err := t.stmt(query)
	if err != nil {
		return nil, err
	}
	rows, err := stmt.QueryContext(background, args...)
	if err != nil {
		return nil, err
	}
	return recordIDs(rows)
}

// recordIDs reads and closes rows that are record IDs.
func recordIDs(rows *sql.Rows) ([]ledger.RecordID, error) {
	defer rows.Close()
	var ids []ledger.RecordID
	for rows.Next() {
		var id []byte
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, ledger.RecordID(id))
	}
	return ids, rows.Err()
}

// count notes that a record changed, in the counters of its scopes.
func (t *tx) count(before, after *ledger.Record) {
	for _, scope := range scopes(after) {
		if t.counts[scope] == nil {
			t.counts[scope] = ledger.Counts{}
		}
		t.counts[scope].Recount(before, after)
	}
}

func scopes(r *ledger.Record) []string {
	if r.Load == 0 {
		return []string{targetScope(r.Target)}
	}
	return []string{targetScope(r.Target), loadScope(r.Load)}
}

func targetScope(name string) string      { return "target:" + name }
func loadScope(load ledger.LoadID) string { return fmt.Sprintf("load:%d", load) }
func (t *tx) publish(topic any)           { t.topics[topic] = struct{}{} }
func micros(at time.Time) int64           { return at.UnixMicro() }
func (t *tx) later(d time.Duration) int64 { return micros(t.now.Add(d)) }
func since(now time.Time, at int64) time.Duration {
	return now.Sub(time.UnixMicro(at))
}

// flush writes what the transaction gathered.
func (t *tx) flush() error {
	for scope, counts := range t.counts {
		for name, n := range counts {
			if n == 0 {
				continue
			}
			_, err := t.exec(`INSERT INTO counts (scope, name, n) VALUES (?, ?, ?)
				ON CONFLICT (scope, name) DO UPDATE SET n = n + excluded.n`, scope, string(name), n)
			if err != nil {
				return err
			}
		}
	}
	for _, lane := range t.lanes {
		if err := t.writeLane(lane); err != nil {
			return err
		}
	}
	return nil
}
