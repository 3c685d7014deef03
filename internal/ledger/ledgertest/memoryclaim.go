package ledgertest

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/claygate/claygate/internal/ledger"
)

// queue returns the queued records of a target, those first that leave first: the highest priority, or the lowest.
func (m *memory) queue(target string, load ledger.LoadID, lowest bool) []*memoryRow {
	var queued []*memoryRow
	for _, row := range m.rows {
		if row.State == ledger.Queued && row.Target == target && (load == 0 || row.wantedBy == load) {
			queued = append(queued, row)
		}
	}
	slices.SortFunc(queued, func(a, b *memoryRow) int {
		urgency := cmp.Compare(b.Priority, a.Priority)
		if lowest {
			urgency = -urgency
		}
		return cmp.Or(urgency, a.readyAt.Compare(b.readyAt), bytes.Compare(a.ID[:], b.ID[:]))
	})
	return queued
}

// claim claims records of a lane that has one target.
func (m *memory) claim(want ledger.Want) ledger.Claims {
	l, ok := m.lanes[want.Lane]
	if !ok {
		l = memoryLane{ledger.NewLane(want.Lane, m.catalog.Pace(want.Lane)), m.now}
	}
	next, granted, wait := l.Take(m.now.Sub(l.at), want.Max)
	if granted == 0 {
		return ledger.Claims{Wait: wait}
	}
	target := m.catalog.On(want.Lane)[0]
	claims := ledger.Claims{Wait: ledger.Never}
	if m.paused[target.Name].Reason != "" {
		return claims
	}
	breaker := m.breaker(target.Name)
	may, held := breaker.Room(granted)
	var ready []*memoryRow
	_, lowest := l.Turn(1)
	for _, row := range m.queue(target.Name, want.Load, lowest) {
		if row.readyAt.After(m.now) {
			if later := row.readyAt.Sub(m.now); claims.Wait < 0 || later < claims.Wait {
				claims.Wait = later
			}
		} else if len(ready) < m.catalog.Candidates(max(may, 1)) {
			ready = append(ready, row)
		}
	}
	if len(ready) == 0 {
		return claims
	}
	if may == 0 {
		return ledger.Claims{Wait: held}
	}
	paid, held := m.pays(target, max(may, 1))
	if paid == 0 {
		return ledger.Claims{Wait: held}
	}
	webhook, room, ok := target.Webhook(m.used)
	if !ok {
		m.paused[target.Name] = ledger.Pause{Reason: target.Full()}
		return ledger.Claims{Wait: ledger.Never}
	}
	for _, row := range ready {
		if len(claims.Work) == min(max(may, 1), paid, room) {
			break
		}
		if m.holdBack(row.ID) {
			continue
		}
		c := m.change(row.ID, ledger.Claim{}, webhook)
		if c.Begun {
			claims.Work = append(claims.Work, ledger.Claimed{Record: m.view(row.ID), Webhook: webhook})
		}
	}
	m.use(webhook, len(claims.Work))
	if len(claims.Work) < len(ready) {
		claims.Wait = 0
	}
	if len(claims.Work) > 0 {
		next.Turns++
		m.lanes[want.Lane] = memoryLane{next.Return(granted - len(claims.Work)), m.now}
		if breaker.Open() {
			breaker = breaker.Passed(len(claims.Work))
			m.breakers[target.Name] = memoryBreaker{breaker, m.now}
			_, claims.Wait = breaker.Room(1)
		}
	}
	if len(claims.Work) == granted {
		claims.Wait = wait
	}
	return claims
}
