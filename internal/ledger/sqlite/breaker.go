package sqlite

import (
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// breakerRow is a target's breaker within a transaction.
type breakerRow struct {
	ledger.Breaker
	dirty bool
}

const breakerColumns = `hold, misses, probe, remains, calls, failures, written_at`

// scanBreaker reads a breaker as it stands now.
func scanBreaker(scan func(dest ...any) (found bool, err error), now time.Time) (b ledger.Breaker, err error) {
	var hold, probe, remains, writtenAt int64
	found, err := scan(&hold, &b.Misses, &probe, &remains, &b.Calls, &b.Failures, &writtenAt)
	if err != nil || !found {
		return ledger.Breaker{}, err
	}
	b.Hold, b.Probe, b.Window = duration(hold), duration(probe), duration(remains)
	return b.After(since(now, writtenAt)), nil
}

func duration(micros int64) time.Duration { return time.Duration(micros) * time.Microsecond }

// breaker reads a target's breaker, once a transaction. One that was never written is closed.
func (t *tx) breaker(target string) (*breakerRow, error) {
	if b, ok := t.breakers[target]; ok {
		return b, nil
	}
	b, err := scanBreaker(func(dest ...any) (bool, error) {
		return t.row(`SELECT `+breakerColumns+` FROM breakers WHERE target = ?`, []any{target}, dest...)
	}, t.now)
	if err != nil {
		return nil, err
	}
	row := &breakerRow{Breaker: b}
	t.breakers[target] = row
	return row, nil
}

// judge lets a target's breaker hear a signal, and tells when it opens or closes. While all goes well nothing is written.
func (t *tx) judge(target ledger.Target, s ledger.Signal) error {
	if s.Kind == ledger.Silent {
		return nil
	}
	b, err := t.breaker(target.Name)
	if err != nil || !b.Open() && b.Window == 0 && s.Kind != ledger.Blocked {
		return err
	}
	was := b.Open()
	b.Breaker, b.dirty = b.Hear(s), true
	if was || b.Open() {
		t.publish(target.Lane)
	}
	switch {
	case b.Open() && !was:
		t.publish(ledger.Pauses)
		return t.announce(ledger.Notice{Kind: ledger.BreakerOpened, Target: target.Name, Reason: b.Reason()})
	case was && !b.Open():
		t.publish(ledger.Pauses)
		return t.announce(ledger.Notice{Kind: ledger.BreakerClosed, Target: target.Name})
	}
	return nil
}

func (t *tx) writeBreaker(target string, b *breakerRow) error {
	if !b.dirty {
		return nil
	}
	_, err := t.exec(`INSERT OR REPLACE INTO breakers (target, `+breakerColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		target, roundUp(b.Hold), b.Misses, roundUp(b.Probe), roundUp(b.Window), b.Calls, b.Failures, micros(t.now))
	return err
}
