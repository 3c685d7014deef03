package postgres

import (
	"bytes"
	"context"
	"errors"
	"net"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jackc/pgx/v5"

	"github.com/claygate/claygate/internal/ledger"
	"github.com/claygate/claygate/internal/ledger/postgres/pgtest"
)

// network makes connections that break at the next commit when that is asked for.
type network struct {
	mu    sync.Mutex
	cut   string // "before" the server hears of the commit, or "after" it has done it; "" for not at all
	cuts  int
	names map[string]bool // of the prepared statements that commit
}

func (n *network) dial(ctx context.Context, family, address string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, family, address)
	if err != nil {
		return nil, err
	}
	return &line{Conn: conn, network: n}, nil
}

func (n *network) breaks(when string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut = when
}

// line is one of its connections.
type line struct {
	net.Conn
	network *network
}

var prepared = regexp.MustCompile(`(stmtcache_[0-9a-f]+)\x00COMMIT\x00`)

var errCut = errors.New("the line was cut")

func (l *line) Write(p []byte) (int, error) {
	switch l.network.commits(p) {
	case "before":
		return 0, errors.Join(errCut, l.Close())
	case "after":
		if _, err := l.Conn.Write(p); err != nil {
			return 0, err
		}
		answer := make([]byte, 1<<16)
		for !bytes.Contains(answer, []byte("COMMIT\x00")) { // its command tag
			if _, err := l.Conn.Read(answer); err != nil {
				return 0, err
			}
		}
		return 0, errors.Join(errCut, l.Close())
	}
	return l.Conn.Write(p)
}

// commits tells how the line is to break if this is a commit, and that it does so once.
func (n *network) commits(p []byte) (cut string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.names == nil {
		n.names = map[string]bool{}
	}
	for _, found := range prepared.FindAllSubmatch(p, -1) {
		n.names[string(found[1])] = true
	}
	for name := range n.names {
		if n.cut != "" && bytes.Contains(p, []byte("\x00"+name+"\x00")) && !prepared.Match(p) { // it is executed
			cut, n.cut = n.cut, ""
			n.cuts++
		}
	}
	return cut
}

// fragile opens a ledger over a network that breaks.
func fragile(t *testing.T) (*Store, *network) {
	t.Helper()
	n := &network{}
	s := replica(t, Options{DSN: pgtest.Shared(t).Database(t), deaf: true, blind: true, dial: n.dial})
	accept(t, s, sub()) // so that the statements are prepared
	return s, n
}

// An accept whose commit is unknown is looked up before it is answered: whatever happened, the record is there, once, and
// nobody is told that it was there before.
func TestUnknownAccept(t *testing.T) {
	for _, when := range []string{"before", "after"} {
		s, n := fragile(t)
		n.breaks(when)
		in := sub()
		got, err := s.Accept(t.Context(), []ledger.Submission{in})
		must(t, err)
		if got[0].Repeated || got[0].Err != nil || got[0].Record.ID != in.ID || n.cuts != 1 {
			t.Errorf("cut %s the commit it is %+v, after %d cuts", when, got[0], n.cuts)
		}
		if diff := cmp.Diff(ledger.Counts{"queued": 2}, counts(t, s)); diff != "" {
			t.Errorf("cut %s the commit (-want +got):\n%s", when, diff)
		}
	}
}

// A claim whose commit is unknown is never sent: the caller gets an error, and its records become uncertain, if they were
// claimed, when their time is up.
func TestUnknownClaim(t *testing.T) {
	for when, want := range map[string]ledger.Counts{"before": {"queued": 1}, "after": {"sending": 1, ledger.CountSent: 1}} {
		s, n := fragile(t)
		n.breaks(when)
		got, err := s.Claim(t.Context(), ledger.Want{Lane: mainLane, Max: 5})
		if ledger.KindOf(err) != ledger.Busy || len(got.Work) > 0 || n.cuts != 1 {
			t.Errorf("cut %s the commit it is %+v, %v", when, got, err)
		}
		if diff := cmp.Diff(want, counts(t, s)); diff != "" {
			t.Errorf("cut %s the commit (-want +got):\n%s", when, diff)
		}
	}
}

// An event whose commit is unknown fails, and changes nothing when it is applied again.
func TestUnknownApply(t *testing.T) {
	for _, when := range []string{"before", "after"} {
		s, n := fragile(t)
		id := claim(t, s, 1)[0].Record.ID
		n.breaks(when)
		entries := []ledger.Entry{{Record: id, Event: ledger.Result{Attempt: 1, Fields: []byte(`{"title":"Countess"}`)}}}
		if _, err := s.Apply(t.Context(), entries); ledger.KindOf(err) != ledger.Busy || n.cuts != 1 {
			t.Errorf("cut %s the commit: %v", when, err)
		}
		_, err := s.Apply(t.Context(), entries)
		must(t, err)
		records, err := s.Records(t.Context(), []ledger.RecordID{id})
		must(t, err)
		if len(records) != 1 || records[0].State != ledger.Done || records[0].Revision != 1 {
			t.Errorf("cut %s the commit: %+v", when, records)
		}
	}
}

// While the database is gone calls fail, and soon; once it is back they work, without anybody's doing, and what was
// acknowledged is there.
func TestDatabaseRestarts(t *testing.T) {
	t.Parallel()
	c := pgtest.Start(t, pgtest.Options{})
	s := replica(t, Options{DSN: c.Database(t)})
	kept := []ledger.RecordID{accept(t, s, sub()).ID}
	for _, mode := range []string{"immediate", "fast"} {
		c.Stop(t, mode)
		began := time.Now()
		_, err := s.Accept(t.Context(), []ledger.Submission{sub()})
		if ledger.KindOf(err) != ledger.Busy || time.Since(began) > patience {
			t.Errorf("%s: accept says %v after %s", mode, err, time.Since(began))
		}
		if _, err := s.Records(t.Context(), kept); ledger.KindOf(err) != ledger.Busy {
			t.Errorf("%s: a reader is told %v", mode, err)
		}
		c.Restart(t)
		for {
			in := sub()
			if _, err := s.Accept(t.Context(), []ledger.Submission{in}); err == nil {
				kept = append(kept, in.ID)
				break
			} else if ledger.KindOf(err) != ledger.Busy || time.Since(began) > 3*patience {
				t.Fatalf("%s: it does not come back: %v", mode, err)
			}
			ledger.Rest(t.Context(), 10*time.Millisecond, nil)
		}
		records, err := s.Records(t.Context(), kept)
		must(t, err)
		if len(records) != len(kept) {
			t.Errorf("%s: %d records of %d are there", mode, len(records), len(kept))
		}
	}
}

// A session that the server ends, as an administrator or a time limit does, costs nobody anything.
func TestSessionIsEnded(t *testing.T) {
	t.Parallel()
	c := pgtest.Shared(t)
	dsn := c.Database(t)
	s := replica(t, Options{DSN: dsn})
	for range 5 {
		id := accept(t, s, sub()).ID
		c.SQL(t, dsn, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
		claim(t, s, 1)
		records, err := s.Records(t.Context(), []ledger.RecordID{id})
		must(t, err)
		if len(records) != 1 || records[0].State != ledger.Sending {
			t.Errorf("%+v", records)
		}
	}
}

// A transaction that the server ends because of a deadlock is run again, and the caller hears nothing of it.
func TestDeadlockIsRunAgain(t *testing.T) {
	s := replicas(t, 1, Options{deaf: true, blind: true})[0]
	first, second := accept(t, s, sub()).ID, accept(t, s, sub()).ID // in the order in which they are locked
	if n := len(claim(t, s, 2)); n != 2 {
		t.Fatalf("%d claimed", n)
	}
	other, err := pgx.ConnectConfig(t.Context(), s.writer.config)
	must(t, err)
	defer other.Close(context.Background())
	run := func(statement string, args ...any) {
		t.Helper()
		_, err := other.Exec(t.Context(), statement, args...)
		must(t, err)
	}
	lock := func(id ledger.RecordID) { run(`SELECT 1 FROM records WHERE id = $1 FOR UPDATE`, idOf(id)) }
	run(`BEGIN`)
	lock(second)
	applied := make(chan error, 1)
	go func() {
		var entries []ledger.Entry
		for _, id := range []ledger.RecordID{first, second} {
			entries = append(entries, ledger.Entry{Record: id, Event: ledger.Result{Attempt: 1, Fields: []byte(`{}`)}})
		}
		_, err := s.Apply(t.Context(), entries)
		applied <- err
	}()
	for waits := 0; waits == 0; time.Sleep(10 * time.Millisecond) { // for the second, with the first in its hands
		must(t, other.QueryRow(t.Context(), `SELECT count(*) FROM pg_locks WHERE NOT granted`).Scan(&waits))
	}
	lock(first)
	run(`COMMIT`)
	must(t, <-applied)
	if got := counts(t, s); got["done"] != 2 {
		t.Errorf("the records are %v", got)
	}
	deadlocks := 0
	for began := time.Now(); deadlocks == 0 && time.Since(began) < patience; time.Sleep(50 * time.Millisecond) { // the server counts them now and then
		must(t, other.QueryRow(t.Context(), `SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`).Scan(&deadlocks))
	}
	if deadlocks == 0 {
		t.Error("there was no deadlock")
	}
}
