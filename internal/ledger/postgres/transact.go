package postgres

import (
	"bytes"
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/claygate/claygate/internal/ledger"
)

const (
	// transactionTime bounds a transaction, also when the network goes silent. It is longer than what the server allows a
	// statement, so that usually the server ends what takes too long and says so.
	transactionTime = 30 * time.Second
	// reruns is how often a transaction is run that collided with another one.
	reruns = 10
	// connectTime is how long a connection may take to be made.
	connectTime = 5 * time.Second
	// The time from a connection that could not be made to the next try, doubled each time. Calls in between fail at once.
	firstRetry, lastRetry = 50 * time.Millisecond, 2 * time.Second
)

// writer is the connection that writes. The group's goroutine alone uses it.
type writer struct {
	conn   *pgx.Conn
	config *pgx.ConnConfig
	failed error         // why there is none
	retry  time.Time     // until then none is tried
	delay  time.Duration // the next time between tries
}

// connect returns the connection, made anew where the former one was lost.
func (w *writer) connect() (*pgx.Conn, error) {
	if w.conn != nil && !w.conn.IsClosed() {
		return w.conn, nil
	}
	if time.Now().Before(w.retry) {
		return nil, w.failed
	}
	ctx, cancel := context.WithTimeoutCause(context.Background(), connectTime, errSlow)
	defer cancel()
	w.conn, w.failed = pgx.ConnectConfig(ctx, w.config)
	if w.failed != nil {
		w.conn = nil
		w.delay = min(max(2*w.delay, firstRetry), lastRetry)
		w.retry = time.Now().Add(w.delay/2 + rand.N(w.delay/2))
		return nil, w.failed
	}
	w.delay = 0
	return w.conn, nil
}

// drop closes the connection.
func (w *writer) drop() {
	if w.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = w.conn.Close(ctx)
	w.conn = nil
}

// transact runs the calls of a group in one transaction. Each call gets its own error.
func (s *Store) transact(gather func(*batch) error) error {
	var b batch
	if err := gather(&b); err != nil {
		return err
	}
	slices.SortStableFunc(b.calls, func(a, b *call) int { return cmp.Or(cmp.Compare(a.phase, b.phase), cmp.Compare(a.lane, b.lane)) })
	s.settle(b.calls)
	return nil
}

// settle runs calls until they have committed or cannot. Only the call at fault fails; what collided is run again.
func (s *Store) settle(calls []*call) {
	for try := 1; len(calls) > 0; try++ {
		t, refused, err := s.attempt(calls)
		s.noteFate(err)
		switch {
		case err == nil:
			s.publish(t.topics)
			return
		case refused != nil && refusal(err):
			refused.err = err
			calls, try = slices.DeleteFunc(calls, func(c *call) bool { return c == refused }), 0
		case t != nil && t.ending && lost(err): // the commit may have happened
			calls = failUnknown(calls, err)
		case lost(err) && t != nil && try < 3: // it did not: the connection was of a server that is gone
		case collision(err) && try < reruns:
			time.Sleep(rand.N(time.Duration(try) * 4 * time.Millisecond))
		case len(calls) > 1 && !lost(err) && !stuck(err): // one of them is at fault
			for _, c := range calls {
				s.settle([]*call{c})
			}
			return
		default:
			fail(calls, err)
			return
		}
	}
}

// failUnknown fails the calls that may have committed and are not to be done twice, and returns those that can be handed in
// again. A claim is never sent after this: its records become uncertain by themselves.
func failUnknown(calls []*call, err error) (rest []*call) {
	for _, c := range calls {
		if c.again {
			c.unknown = true
			rest = append(rest, c)
		} else {
			c.err = &ledger.Error{
				Kind: ledger.Busy, Op: "commit", Message: "the connection to the database broke at the commit: it may have happened or not",
				Hint: "try again once the database is back: what happened already changes nothing the second time", Err: err,
			}
		}
	}
	return rest
}

func fail(calls []*call, err error) {
	for _, c := range calls {
		c.err = err
	}
}

// attempt runs calls in one transaction. Refused is the call whose own function failed; the transaction is nil when it could
// not even begin.
func (s *Store) attempt(calls []*call) (t *tx, refused *call, err error) {
	conn, err := s.writer.connect()
	if err != nil {
		return nil, nil, &connectionError{err}
	}
	ctx, cancel := context.WithTimeoutCause(context.Background(), transactionTime, errSlow)
	defer cancel()
	t = s.newTx(ctx, conn)
	if refused, err = t.runAll(calls); err == nil {
		err = t.finish()
	}
	if err != nil {
		t.abandon()
		if lost(err) {
			s.writer.drop()
		}
	}
	return t, refused, err
}

// runAll runs the calls of a transaction, phase by phase.
func (t *tx) runAll(calls []*call) (refused *call, err error) {
	for len(calls) > 0 {
		n := slices.IndexFunc(calls, func(c *call) bool { return c.phase != calls[0].phase })
		if n < 0 {
			n = len(calls)
		}
		if err := t.prepare(calls[:n], calls); err != nil {
			return nil, err
		}
		for _, c := range calls[:n] {
			if err := c.run(t); err != nil {
				return c, err
			}
		}
		calls = calls[n:]
	}
	return nil, nil
}

// prepare locks and reads together what the calls of a phase need. Before the first claim all lanes are locked, in their
// order, that this or a later call takes from.
func (t *tx) prepare(part, rest []*call) error {
	if part[0].phase >= claiming {
		if err := t.listen(); err != nil {
			return err
		}
		for _, lane := range sortedLanes(rest) {
			if _, err := t.lane(lane); err != nil {
				return err
			}
		}
		return nil
	}
	var n needs
	for _, c := range part {
		if c.need != nil {
			c.need(&n)
		}
	}
	n.unique()
	return t.load(n)
}

func sortedLanes(calls []*call) []ledger.LaneID {
	var lanes []ledger.LaneID
	for _, c := range calls {
		if c.lane != "" {
			lanes = append(lanes, c.lane)
		}
	}
	slices.Sort(lanes)
	return slices.Compact(lanes)
}

// unique names each thing once.
func (n *needs) unique() {
	n.keys, n.onces = distinct(n.keys), distinct(n.onces)
	n.keysOf, n.records, n.bodies, n.led = distinct(n.keysOf), distinct(n.records), distinct(n.bodies), distinct(n.led)
}

func distinct[D ~[16]byte](list []D) []D {
	slices.SortFunc(list, func(a, b D) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(list)
}
