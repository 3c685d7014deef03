package postgres

import (
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/claygate/claygate/internal/ledger"
)

// breakerRow is a target's breaker within a transaction. Until it is locked it is what it was a moment ago: good enough to
// tell whether failures are the target's, not to be written.
type breakerRow struct {
	ledger.Breaker
	locked, dirty bool
	heard         []ledger.Signal // what it is to be told once it is locked
	base          ledger.Breaker  // as it was before it heard them
	target        ledger.Target   // who is told
}

const breakerColumns = `hold, misses, probe, remains, calls, failures, written_at`

// scanBreaker reads a breaker as it stands now.
func scanBreaker(row pgx.Row, now time.Time) (b ledger.Breaker, err error) {
	var hold, probe, remains, writtenAt int64
	if err := row.Scan(&hold, &b.Misses, &probe, &remains, &b.Calls, &b.Failures, &writtenAt); err != nil {
		return b, err
	}
	b.Hold, b.Probe, b.Window = duration(hold), duration(probe), duration(remains)
	return b.After(since(now, writtenAt)), nil
}

// breaker reads a target's breaker, once a transaction. One that was never written is closed.
func (t *tx) breaker(target string) (*breakerRow, error) {
	if b, ok := t.breakers[target]; ok {
		return b, nil
	}
	b := &breakerRow{}
	_, err := t.readBreaker(target, b, ``)
	if err == nil {
		t.breakers[target] = b
	}
	return b, err
}

func (t *tx) readBreaker(target string, b *breakerRow, locking string) (found bool, err error) {
	err = t.look(`SELECT `+breakerColumns+` FROM breakers WHERE target = $1`+locking, []any{text(target)}, func(row pgx.Rows) error {
		found = true
		b.Breaker, err = scanBreaker(row, t.now)
		return err
	})
	return found, err
}

// lockBreaker returns a target's breaker for a change.
func (t *tx) lockBreaker(target string) (*breakerRow, error) {
	b, err := t.breaker(target)
	if err != nil || b.locked {
		return b, err
	}
	b.Breaker = ledger.Breaker{}
	found, err := t.readBreaker(target, b, ` FOR UPDATE`)
	if err == nil && !found { // there must be a row to lock
		_, err = t.exec(`INSERT INTO breakers (target, `+breakerColumns+`) VALUES ($1, 0, 0, 0, 0, 0, 0, $2) ON CONFLICT (target) DO NOTHING`,
			text(target), micros(t.now))
		if err == nil {
			_, err = t.readBreaker(target, b, ` FOR UPDATE`)
		}
	}
	b.locked = true
	return b, err
}

// judge lets a target's breaker hear a signal. While all goes well nothing is locked or written.
func (t *tx) judge(target ledger.Target, s ledger.Signal) error {
	if s.Kind == ledger.Silent {
		return nil
	}
	b, err := t.breaker(target.Name)
	if err != nil || !b.Open() && b.Window == 0 && s.Kind != ledger.Blocked {
		return err
	}
	if len(b.heard) == 0 {
		b.base = b.Breaker
	}
	b.target, b.heard = target, append(b.heard, s)
	b.Breaker = b.Hear(s)
	return nil
}

// judgeAll tells the breakers what they are to hear, as they stand now, and announces those that open or close.
func (t *tx) judgeAll() error {
	for _, name := range slices.Sorted(maps.Keys(t.breakers)) {
		b := t.breakers[name]
		if len(b.heard) == 0 {
			continue
		}
		b.Breaker = b.base
		if _, err := t.lockBreaker(name); err != nil {
			return err
		}
		for _, s := range b.heard {
			t.judged(b, s)
		}
		b.heard = nil
	}
	return nil
}

func (t *tx) judged(b *breakerRow, s ledger.Signal) {
	was := b.Open()
	if !was && b.Window == 0 && s.Kind != ledger.Blocked {
		return
	}
	b.Breaker, b.dirty = b.Hear(s), true
	if was || b.Open() {
		t.publish(b.target.Lane)
	}
	switch {
	case b.Open() && !was:
		t.publish(ledger.Pauses)
		t.announce(ledger.Notice{Kind: ledger.BreakerOpened, Target: b.target.Name, Reason: b.Reason()})
	case was && !b.Open():
		t.publish(ledger.Pauses)
		t.announce(ledger.Notice{Kind: ledger.BreakerClosed, Target: b.target.Name})
	}
}

// namedBreaker is a breaker with its target's name.
type namedBreaker struct {
	target string
	*breakerRow
}

func breakerRows(now int64) []column[namedBreaker] {
	return []column[namedBreaker]{
		col("target", "text", func(b namedBreaker) string { return text(b.target) }),
		col("hold", "bigint", func(b namedBreaker) int64 { return roundUp(b.Hold) }),
		col("misses", "bigint", func(b namedBreaker) int64 { return int64(b.Misses) }),
		col("probe", "bigint", func(b namedBreaker) int64 { return roundUp(b.Probe) }),
		col("remains", "bigint", func(b namedBreaker) int64 { return roundUp(b.Window) }),
		col("calls", "bigint", func(b namedBreaker) int64 { return int64(b.Calls) }),
		col("failures", "bigint", func(b namedBreaker) int64 { return int64(b.Failures) }),
		col("written_at", "bigint", func(namedBreaker) int64 { return now }),
	}
}

var updateBreakers = updateOf("breakers", breakerRows(0), 1)

// writeBreakers writes the breakers that changed.
func (t *tx) writeBreakers(b *pgx.Batch) {
	var dirty []namedBreaker
	for target, row := range t.breakers {
		if row.dirty {
			dirty = append(dirty, namedBreaker{target, row})
		}
		row.dirty = false
	}
	put(b, updateBreakers, breakerRows(micros(t.now)), dirty)
}
