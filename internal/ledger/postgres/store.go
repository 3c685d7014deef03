// Package postgres keeps the ledger in a PostgreSQL database, which any number of replicas share.
//
// A replica writes with one connection and commits whatever calls are waiting as one group. A transaction locks the rows
// that it decides about, asks the domain, and writes back what changed with one statement for each table. Nothing belongs
// to a replica: lanes, records, runs and deliveries are rows, and whoever claims one has it (docs/decisions/0016-postgresql.md).
//
// What a method returned is on the database's disk: the server is asked at the start of each transaction whether it waits
// for its log (synchronous_commit).
package postgres

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/claygate/claygate/internal/ledger"
)

// groupSize bounds the calls that share a commit.
const groupSize = 512

// shards is how many rows a counter is spread over: more than there are replicas that count the same thing at once.
const shards = 64

// Options says which ledger to open and how.
type Options struct {
	// DSN of the database: a URL, postgres://user:password@host:5432/database?sslmode=verify-full, or PostgreSQL's
	// "keyword=value" form. It holds a password: it is never shown.
	DSN string
	// Catalog is the configuration to work by.
	Catalog *ledger.Catalog
	// Hub is told of every change, of this replica and of others. Nil for a hub that nobody listens to.
	Hub *ledger.Hub
	// Now is the clock, for tests; nil for the database's. What it shows is cut to whole microseconds, which is what the
	// ledger keeps, so that no fraction is counted twice.
	Now func() time.Time
	// Log is told when the database is lost and found again. Nil for nobody.
	Log *slog.Logger

	// For tests: notifications of others do not arrive, as through a pooler; nor is anything looked for.
	deaf, blind bool
	dial        pgconn.DialFunc  // makes connections that fail
	local       func() time.Time // the machine's clock, which may be wrong
}

// Store is a [ledger.Store] in a PostgreSQL database.
type Store struct {
	catalog  atomic.Pointer[ledger.Catalog] // see [Store.Configure]
	hub      *ledger.Hub
	log      *slog.Logger
	given    func() time.Time // see Options.Now
	local    func() time.Time // the machine's clock
	offset   atomic.Int64     // of the database's clock from the machine's, in nanoseconds
	config   *pgxpool.Config
	pool     *pgxpool.Pool // for reading
	writer   writer
	group    *ledger.Group[*batch]
	news     *news
	shard    int64
	name     string                 // of this replica, for the others
	identity atomic.Pointer[string] // of the ledger, once it is known; see recognise
	closed   atomic.Bool
	stop     sync.Once
}

var _ ledger.Store = (*Store)(nil)

// errClosed is what a call after Close gets.
var errClosed = &ledger.Error{Kind: ledger.Unavailable, Op: "ledger", Message: "it is closed"}

// Close finishes the calls under way and closes the connections. It may be called twice.
func (s *Store) Close() error {
	s.group.Close(errClosed)
	s.stop.Do(func() {
		s.closed.Store(true)
		s.news.close()
		s.release()
	})
	return nil
}

// release closes the connections.
func (s *Store) release() {
	s.writer.drop()
	if s.pool != nil {
		s.pool.Close()
	}
}

// wrap makes an error of a reader a [*ledger.Error]. Once the store is closed it is the reason for every other.
func (s *Store) wrap(op string, err error) error {
	if err != nil && s.closed.Load() {
		return errClosed
	}
	return wrap(op, err)
}

// now is the database's time, as the last transaction showed it.
func (s *Store) now() time.Time {
	if s.given != nil {
		return s.given().Truncate(time.Microsecond)
	}
	return s.local().Add(time.Duration(s.offset.Load())).Truncate(time.Microsecond)
}

// clocked returns the time that the database showed just now.
func (s *Store) clocked(micros int64) time.Time {
	if s.given != nil {
		return s.now()
	}
	at := time.UnixMicro(micros)
	s.offset.Store(int64(at.Sub(s.local())))
	return at
}

// phase orders the calls of a transaction: each part locks what comes later in the order of all locks, see [tx.finish].
type phase int

const (
	accepting  phase = iota // keys, then records
	applying                // runs, then records
	others                  // whatever else
	claiming                // lanes, then the lock of those who pay, then records that nobody has
	forwarding              // lanes, then the lock of those who tell
)

// call is what one caller wants done in a transaction that it may share.
type call struct {
	phase phase
	lane  ledger.LaneID // of claims; "" for none
	need  func(*needs)  // what is to be locked and read for it; nil for nothing that is known before
	run   func(*tx) error
	again bool // it may be handed in again when its commit is not known

	unknown bool // it was: the commit of a former try may have happened
	err     error
}

// batch is the calls that share a transaction.
type batch struct{ calls []*call }

// ask runs a call in the writer's next transaction. The function may run several times; what it returned last counts.
func ask[T any](ctx context.Context, s *Store, op string, c *call, run func(*tx) (T, error)) (T, error) {
	var got, none T
	c.run = func(t *tx) (err error) {
		got, err = run(t)
		return err
	}
	err := s.group.Do(ctx, func(b *batch) error {
		b.calls = append(b.calls, c)
		return nil
	})
	if err == nil { // else nobody knows what becomes of it, and got is not ours to read
		err = c.err
	}
	if err != nil {
		return none, wrap(op, err)
	}
	return got, nil
}

// do is ask for what returns nothing and needs nothing that is known before.
func (s *Store) do(ctx context.Context, op string, run func(*tx) error) error {
	_, err := ask(ctx, s, op, &call{phase: others}, func(t *tx) (struct{}, error) { return struct{}{}, run(t) })
	return err
}

// alone runs a function that only reads, outside of any transaction, with a connection of its own.
func (s *Store) alone(ctx context.Context, op string, run func(*tx) error) error {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return s.wrap(op, err)
	}
	defer conn.Release()
	t := s.newTx(ctx, conn.Conn())
	t.begun = true // there is nothing to begin
	return s.wrap(op, run(t))
}

// readTime is how long a question may take, with what it waits for a connection.
const readTime = 15 * time.Second

// read runs a query that changes nothing, again when the connection was lost.
func read[T any](ctx context.Context, s *Store, query string, args []any, scan func(pgx.Rows) (T, error)) (all []T, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, readTime, errSlow)
	defer cancel()
	for try := 1; ; try++ {
		rows, _ := s.pool.Query(ctx, query, args...) // its error shows when its rows are read
		all, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (T, error) { return scan(rows) })
		switch {
		case err == nil:
			if len(all) == 0 {
				return nil, nil
			}
			return all, nil
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case try == 3 || !lost(err):
			return nil, err
		}
		s.pool.Reset() // a server that restarted has closed them all
		time.Sleep(rand.N(20 * time.Millisecond))
	}
}

// readOne reads one row; found is false when there is none.
func readOne(ctx context.Context, s *Store, query string, args []any, dest ...any) (found bool, err error) {
	all, err := read(ctx, s, query, args, func(row pgx.Rows) (struct{}, error) { return struct{}{}, row.Scan(dest...) })
	return len(all) > 0, err
}

func unixMicro(micros int64) time.Time { return time.UnixMicro(micros) }
