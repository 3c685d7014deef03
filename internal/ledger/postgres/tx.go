package postgres

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/claygate/claygate/internal/ledger"
)

// tx is one transaction. What is read of records is locked and kept, changes are made to what is kept, and all of it is
// written at the end with few statements, because each of them is a way to the server and back. A query that looks for
// rows, instead of naming them, must find what was changed: [tx.rows] writes it first.
type tx struct {
	store   *Store
	ctx     context.Context
	conn    *pgx.Conn
	catalog *ledger.Catalog // the one by which all of it is decided
	now     time.Time
	begun   bool // BEGIN was sent
	ending  bool // COMMIT was sent: from here on only the server knows
	dry     bool // nothing is locked or written: see Preview

	records  map[ledger.RecordID]*row
	works    map[work]ledger.RecordID // rows of loads that were looked for; zero where there is none
	keys     map[ledger.Digest]*owner
	onces    map[ledger.Digest]*onceRow
	led      map[ledger.RecordID][]ledger.RecordID // who joined those that were looked for
	attempts map[attemptID]*attemptRow
	lanes    map[ledger.LaneID]*laneRow
	heard    map[ledger.LaneID][]ledger.Signal // what is to be told to lanes
	breakers map[string]*breakerRow            // by target
	used     map[ledger.Digest]int             // submissions of webhooks to be added
	counts   map[scope]ledger.Counts
	usage    map[ledger.UsageOf]ledger.Usage
	purses   map[ledger.Purse]ledger.Spent // as they were before this transaction
	paying   bool                          // it has the lock of those who pay
	kept     []callbackRow
	posts    []ledger.Delivery
	notices  []ledger.Notice
	topics   map[any]struct{} // to publish after the commit
}

func (s *Store) newTx(ctx context.Context, conn *pgx.Conn) *tx {
	return &tx{
		store: s, ctx: ctx, conn: conn, catalog: s.catalog.Load(), now: s.now(),
		records: map[ledger.RecordID]*row{}, works: map[work]ledger.RecordID{}, keys: map[ledger.Digest]*owner{},
		onces: map[ledger.Digest]*onceRow{}, led: map[ledger.RecordID][]ledger.RecordID{}, attempts: map[attemptID]*attemptRow{},
		lanes: map[ledger.LaneID]*laneRow{}, heard: map[ledger.LaneID][]ledger.Signal{}, breakers: map[string]*breakerRow{},
		used: map[ledger.Digest]int{}, counts: map[scope]ledger.Counts{}, topics: map[any]struct{}{},
		usage: map[ledger.UsageOf]ledger.Usage{}, purses: map[ledger.Purse]ledger.Spent{},
	}
}

// settings of each transaction. They are set here and not for the connection, so that a pooler in between, whose
// connections others use as well, changes nothing.
//
//   - A statement that takes 15 s is stuck, a lock that is not had in 8 s is held by somebody who is.
//   - A replica that froze in the middle of a transaction holds its lane's row: after 5 s the server ends it.
//   - Every statement finds its rows by an index, and knows which: plans are made once, when tables may still be empty, and
//     must hold when they are not.
const settings = `SELECT set_config('statement_timeout', '15s', true), set_config('lock_timeout', '8s', true),
	set_config('idle_in_transaction_session_timeout', '5s', true), set_config('enable_seqscan', 'off', true),
	set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true), set_config('jit', 'off', true),
	set_config('plan_cache_mode', 'force_generic_plan', true)`

// clock is the database's time in whole microseconds.
const clock = `SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, current_setting('synchronous_commit')`

// batch returns statements that are sent together. Those of a transaction's first one begin it.
func (t *tx) batch() *pgx.Batch {
	b := &pgx.Batch{}
	if !t.begun {
		t.begun = true
		b.Queue(`BEGIN`)
		b.Queue(settings)
		t.readClock(b)
	}
	return b
}

// readClock has the time read, once what was queued before has its locks: a lane's tokens are counted from when the one who
// had it before wrote it.
func (t *tx) readClock(b *pgx.Batch) {
	b.Queue(clock).QueryRow(func(row pgx.Row) error {
		var micros int64
		var commits string
		if err := row.Scan(&micros, &commits); err != nil {
			return err
		}
		if commits == "off" {
			return errNotSynchronous
		}
		t.now = t.store.clocked(micros)
		return nil
	})
}

func (t *tx) send(b *pgx.Batch) error {
	if b.Len() == 0 {
		return nil
	}
	return t.conn.SendBatch(t.ctx, b).Close()
}

// exec runs a statement. Changed is how many rows an INSERT, UPDATE or DELETE changed.
func (t *tx) exec(query string, args ...any) (changed int64, err error) {
	b := t.batch()
	q := b.Queue(query, args...)
	q.Exec(func(tag commandTag) error {
		changed = tag.RowsAffected()
		return nil
	})
	return changed, t.send(b)
}

// row runs a query for one row; found is false when there is none.
func (t *tx) row(query string, args []any, dest ...any) (found bool, err error) {
	err = t.look(query, args, func(row pgx.Rows) error {
		if !found {
			found = true
			return row.Scan(dest...)
		}
		return nil
	})
	return found && err == nil, err
}

// rows visits the rows of a query for records or attempts, after writing what has changed of them.
func (t *tx) rows(query string, args []any, visit func(pgx.Rows) error) error {
	if err := t.write(); err != nil {
		return err
	}
	return t.look(query, args, visit)
}

// look visits the rows of a query whose tables are written at once.
func (t *tx) look(query string, args []any, visit func(pgx.Rows) error) error {
	b := t.batch()
	t.queue(b, query, args, visit)
	return t.send(b)
}

// queue adds a query to those that are sent together.
func (t *tx) queue(b *pgx.Batch, query string, args []any, visit func(pgx.Rows) error) {
	b.Queue(query, args...).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			if err := visit(rows); err != nil {
				return err
			}
		}
		return rows.Err()
	})
}

// ids runs a query whose rows are record IDs.
func (t *tx) ids(query string, args ...any) (ids []ledger.RecordID, err error) {
	err = t.rows(query, args, func(row pgx.Rows) error {
		var id ledger.RecordID
		err := row.Scan((*[16]byte)(&id))
		ids = append(ids, id)
		return err
	})
	return ids, err
}

// count notes that a record changed, in the counters of its scopes.
func (t *tx) count(before, after *ledger.Record) {
	r := after
	if r == nil {
		r = before
	}
	t.countIn(scope{target: r.Target}, before, after)
	if r.Load != 0 {
		t.countIn(scope{load: r.Load}, before, after)
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
		return "load:" + strconv.FormatInt(int64(s.load), 10)
	}
	return targetScope + s.target
}

const targetScope = "target:"

func (t *tx) publish(topic any)           { t.topics[topic] = struct{}{} }
func micros(at time.Time) int64           { return at.UnixMicro() }
func (t *tx) later(d time.Duration) int64 { return micros(t.now.Add(d)) }
func since(now time.Time, at int64) time.Duration {
	return now.Sub(time.UnixMicro(at))
}

// write writes what has changed of the tables that queries look into: records, what belongs to them, and their attempts.
func (t *tx) write() error {
	if t.dry {
		return nil
	}
	b := t.batch()
	t.writeRecords(b)
	t.writeAttempts(b)
	return t.send(b)
}

// finish writes all the rest and commits. Rows that several transactions write are locked in one order everywhere: keys,
// runs, records, lanes, breakers, webhooks, counters, usage, and at last what is told.
func (t *tx) finish() error {
	if err := t.listen(); err != nil {
		return err
	}
	if !t.begun && len(t.usage) == 0 {
		return nil
	}
	b := t.batch()
	t.writeRecords(b)
	t.writeAttempts(b)
	t.writeOnces(b)
	t.writeCallbacks(b)
	t.writeLanes(b)
	t.writeBreakers(b)
	t.writeWebhooks(b)
	t.writeCounts(b)
	t.writeUsage(b)
	if err := t.tellAll(&b); err != nil {
		return err
	}
	b.Queue(`COMMIT`)
	t.ending = true
	return t.send(b)
}

// abandon ends a transaction that failed. A connection that does not even take this is closed.
func (t *tx) abandon() {
	if !t.begun || t.conn.IsClosed() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if _, err := t.conn.Exec(ctx, `ROLLBACK`); err != nil {
		_ = t.conn.Close(ctx)
	}
}

type counter struct {
	scope, name string
	n           int64
}

var counterColumns = []column[counter]{
	col("scope", "text", func(c counter) string { return text(c.scope) }),
	col("name", "text", func(c counter) string { return c.name }),
	col("n", "bigint", func(c counter) int64 { return c.n }),
}

var addToCounters = `INSERT INTO counts (scope, name, shard, n) SELECT v.scope, v.name, $4, v.n FROM ` + unnested(counterColumns) +
	` AS v (scope, name, n) ON CONFLICT (scope, name, shard) DO UPDATE SET n = counts.n + excluded.n`

func (t *tx) writeCounts(b *pgx.Batch) {
	var all []counter
	for in, counts := range t.counts {
		for _, name := range slices.Sorted(maps.Keys(counts)) {
			if n := counts[name]; n != 0 {
				all = append(all, counter{in.String(), string(name), int64(n)})
			}
		}
	}
	if len(all) == 0 {
		return
	}
	slices.SortFunc(all, func(a, b counter) int { return compare2(a.scope, b.scope, a.name, b.name) })
	b.Queue(addToCounters, append(arrays(counterColumns, all), t.store.shard)...)
}

// errNotSynchronous is kept apart, so that it is made once.
var errNotSynchronous = errors.New("synchronous_commit is off")
