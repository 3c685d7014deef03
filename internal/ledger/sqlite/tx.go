package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"

	"github.com/claygate/claygate/internal/crash"
	"github.com/claygate/claygate/internal/ledger"
)

// writer is the connection that writes, with its prepared statements.
type writer struct {
	conn   *sql.Conn     // taken from the pool for good, so that nobody else uses
	sqlite *sqlite3.Conn // what is under it
	stmts  map[string]statement
	log    writeAhead
}

func newWriter(ctx context.Context, db *sql.DB) (*writer, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	w := &writer{conn: conn, stmts: map[string]statement{}}
	err = conn.Raw(func(c any) error {
		w.sqlite = c.(driver.Conn).Raw()
		w.sqlite.WALHook(w.log.committed)           // in place of SQLite's own, which keeps errors to itself
		w.sqlite.SetInterrupt(context.Background()) // a transaction that others share is not one caller's to cancel
		return nil
	})
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return w, nil
}

func (w *writer) close() error {
	var errs []error
	for _, stmt := range w.stmts {
		errs = append(errs, stmt.Close())
	}
	return errors.Join(append(errs, w.conn.Close())...)
}

// tx is one transaction of the writer. It gathers what is cheaper to write once at the end: counters, lanes, breakers
// and spans.
type tx struct {
	*writer
	store    *Store
	catalog  *ledger.Catalog // the one by which all of it is decided
	now      time.Time
	counts   map[scope]ledger.Counts
	lanes    map[ledger.LaneID]*laneRow
	breakers map[string]*breakerRow // by target
	spans    map[span]struct{}      // that hold new records
	notices  []ledger.Notice
	usage    map[ledger.UsageOf]ledger.Usage
	purses   map[ledger.Purse]ledger.Spent // as they were before this transaction
	topics   map[any]struct{}              // to publish after the commit
}

// transact runs a function in one transaction. After an error that leaves the disk's state unknown the store refuses
// everything: nothing may be acknowledged any more.
func (s *Store) transact(run func(*tx) error) error {
	if broken := s.broken.Load(); broken != nil {
		return broken // the calls that waited, or shared the transaction, when it broke
	}
	t := &tx{
		writer: s.writer, store: s, catalog: s.catalog.Load(), now: s.now(),
		counts: map[scope]ledger.Counts{}, lanes: map[ledger.LaneID]*laneRow{}, breakers: map[string]*breakerRow{},
		spans: map[span]struct{}{}, topics: map[any]struct{}{},
		usage: map[ledger.UsageOf]ledger.Usage{}, purses: map[ledger.Purse]ledger.Spent{},
	}
	if err := t.writeBack(); err != nil {
		return s.failed("checkpoint", err)
	}
	if _, err := t.exec(`BEGIN IMMEDIATE`); err != nil {
		return s.failed("begin", err)
	}
	err := run(t)
	if err == nil {
		err = t.flush()
	}
	if err == nil {
		crash.Point(crash.Commit)
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
		broken := diskFailed(op, err)
		if s.broken.CompareAndSwap(nil, broken) && s.told != nil {
			s.told(broken)
		}
		return broken
	}
	return err
}

// stmt returns the prepared statement for a query.
func (t *tx) stmt(query string) (statement, error) {
	if stmt, ok := t.stmts[query]; ok {
		return stmt, nil
	}
	prepared, _, err := t.sqlite.Prepare(query)
	if err != nil {
		return statement{}, fmt.Errorf("prepare: %w", err)
	}
	t.stmts[query] = statement{prepared}
	return statement{prepared}, nil
}

// exec runs a statement. Changed is how many rows an INSERT, UPDATE or DELETE changed.
func (t *tx) exec(query string, args ...any) (changed int64, err error) {
	stmt, err := t.stmt(query)
	if err != nil {
		return 0, err
	}
	if err := stmt.exec(args); err != nil {
		return 0, err
	}
	return t.sqlite.Changes(), nil
}

// row runs a query for one row; found is false when there is none.
func (t *tx) row(query string, args []any, dest ...any) (found bool, err error) {
	err = t.rows(query, args, func(row statement) (bool, error) {
		found = true
		return false, row.Scan(dest...)
	})
	return found && err == nil, err
}

// ids runs a query whose rows are record IDs.
func (t *tx) ids(query string, args ...any) (ids []ledger.RecordID, err error) {
	err = t.rows(query, args, func(row statement) (bool, error) {
		ids = append(ids, ledger.RecordID(row.ColumnRawBlob(0)))
		return true, row.Err()
	})
	return ids, err
}

// rows visits the rows of a query until the visitor has enough. The visitor runs no query of its own.
func (t *tx) rows(query string, args []any, visit func(statement) (more bool, err error)) error {
	stmt, err := t.stmt(query)
	if err != nil {
		return err
	}
	if err := stmt.bind(args); err != nil {
		return err
	}
	for more := true; more && err == nil && stmt.Step(); {
		more, err = visit(stmt)
	}
	return errors.Join(err, stmt.Reset()) // which tells how the last step went
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
	t.countIn(scope{target: after.Target}, before, after)
	if after.Load != 0 {
		t.countIn(scope{load: after.Load}, before, after)
	}
}

func (t *tx) countIn(in scope, before, after *ledger.Record) {
	counts := t.counts[in]
	if counts == nil {
		counts = ledger.Counts{}
		t.counts[in] = counts
	}
	counts.Recount(before, after)
}

// scope is what records are counted over: a target, or a load.
type scope struct {
	target string
	load   ledger.LoadID
}

// String returns the scope as the table of counters names it.
func (s scope) String() string {
	if s.load != 0 {
		return fmt.Sprintf("load:%d", s.load)
	}
	return "target:" + s.target
}

func (t *tx) publish(topic any)           { t.topics[topic] = struct{}{} }
func micros(at time.Time) int64           { return at.UnixMicro() }
func (t *tx) later(d time.Duration) int64 { return micros(t.now.Add(d)) }
func since(now time.Time, at int64) time.Duration {
	return now.Sub(time.UnixMicro(at))
}

// flush writes what the transaction gathered.
func (t *tx) flush() error {
	for in, counts := range t.counts {
		for name, n := range counts {
			if n == 0 {
				continue
			}
			_, err := t.exec(`INSERT INTO counts (scope, name, n) VALUES (?, ?, ?)
				ON CONFLICT (scope, name) DO UPDATE SET n = n + excluded.n`, in.String(), string(name), n)
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
	for span := range t.spans {
		if err := t.writeSpan(span); err != nil {
			return err
		}
	}
	for target, breaker := range t.breakers {
		if err := t.writeBreaker(target, breaker); err != nil {
			return err
		}
	}
	if err := t.writeUsage(); err != nil {
		return err
	}
	return t.writeNotices()
}
