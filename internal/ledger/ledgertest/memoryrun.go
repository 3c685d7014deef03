package ledgertest

import (
	"bytes"
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// memoryRuns are the runs of the model.
type memoryRuns struct {
	runs  map[ledger.RunID]*memoryRun
	last  ledger.RunID
	usual map[memoryUsual]time.Duration
	kept  map[ledger.RunID]map[int]string // the items of followed runs
}

type memoryRun struct {
	ledger.Run
	dueAt time.Time // zero for never
}

type memoryUsual struct {
	target string
	kind   ledger.RunKind
}

// viewRun is a run as a change finds it now.
func (m *memory) viewRun(id ledger.RunID) ledger.Run {
	r := m.runs[id].Run
	r.SinceStart, r.Usual = m.now.Sub(r.StartedAt), m.usual[memoryUsual{r.Target, r.Kind}]
	for _, other := range m.runs {
		under := other.State == ledger.RunRunning || other.State == ledger.RunFetching
		if other.ID != id && !other.Followed && other.Lane == r.Lane && under && !other.dueAt.IsZero() {
			r.Others++
		}
	}
	return r
}

func (m *memory) addRun(r ledger.Run, due time.Duration) ledger.Run {
	m.last++
	r.ID, r.StartedAt = m.last, m.now
	m.runs[r.ID] = &memoryRun{r, m.due(due)}
	return r
}

// claimRun claims a run of a lane that has one target.
func (m *memory) claimRun(want ledger.Want) ledger.Claims {
	l, ok := m.lanes[want.Lane]
	if !ok {
		l = memoryLane{ledger.NewLane(want.Lane, m.catalog.Pace(want.Lane)), m.now}
	}
	claims := ledger.Claims{Wait: ledger.Never}
	next, granted, wait := l.Take(m.now.Sub(l.at), min(want.Max, 1))
	if granted == 0 {
		claims.Wait = wait
		return claims
	}
	target := m.catalog.On(want.Lane)[0]
	if m.paused[target.Name].Reason != "" {
		return claims
	}
	_, lowest := l.Turn(1)
	claims = m.gather(target, want, lowest)
	if claims.Run != nil {
		next.Turns++
		m.lanes[want.Lane] = memoryLane{next, m.now}
		claims.Wait = 0
	}
	return claims
}

func (m *memory) gather(target ledger.Target, want ledger.Want, lowest bool) ledger.Claims {
	claims := ledger.Claims{Wait: ledger.Never}
	var ready []*memoryRow
	for _, row := range m.queue(target.Name, want.Load, lowest) {
		later := row.readyAt.Sub(m.now)
		switch {
		case later <= 0:
			ready = append(ready, row)
		case claims.Wait < 0 || later < claims.Wait:
			claims.Wait = later
		}
	}
	if len(ready) == 0 {
		return claims
	}
	if room, held := m.breaker(target.Name).Room(1); room == 0 {
		return ledger.Claims{Wait: held}
	}
	paid, held := m.pays(target, math.MaxInt)
	if paid == 0 {
		return ledger.Claims{Wait: held}
	}
	policy, _ := target.RunPolicy()
	limit := ready[0].RunLimit
	ready = slices.DeleteFunc(ready, func(row *memoryRow) bool { return row.RunLimit != limit })
	kind, size := ledger.Inline, policy.Inline(limit)
	if policy.Bulk(limit, min(len(ready), paid)) {
		kind, size = ledger.Bulk, policy.BulkSize
	}
	size = min(size, paid)
	ready = ready[:min(len(ready), m.catalog.Candidates(size))]
	if want.Full && len(ready) < size && policy.Linger > 0 {
		return ledger.Claims{Wait: ledger.Never, Linger: policy.Linger}
	}
	return m.carry(ledger.Run{Lane: target.Lane, Target: target.Name, Kind: kind, State: ledger.RunStarting}, ready, size)
}

func (m *memory) carry(r ledger.Run, rows []*memoryRow, most int) ledger.Claims {
	r = m.addRun(r, ledger.RunClaimTimeout)
	claims := ledger.Claims{Wait: ledger.Never}
	for _, row := range rows {
		if r.Size == most {
			break
		}
		if m.holdBack(row.ID) || !m.change(row.ID, ledger.Claim{}, ledger.Digest{}).Begun {
			continue
		}
		r.Size++
		all := m.attempts[row.ID]
		all[len(all)-1].run = r.ID
		if r.Kind == ledger.Inline {
			claims.Work = append(claims.Work, ledger.Claimed{Record: m.view(row.ID)})
		}
	}
	if r.Size == 0 {
		delete(m.runs, r.ID)
		claims.Wait = 0
		return claims
	}
	m.runs[r.ID].Size = r.Size
	claims.Run = &r
	if b := m.breaker(r.Target); b.Open() {
		m.breakers[r.Target] = memoryBreaker{b.Passed(1), m.now}
	}
	return claims
}

// applyRun decides and writes; it returns the run afterwards.
func (m *memory) applyRun(id ledger.RunID, e ledger.RunEvent) ledger.Run {
	before := m.viewRun(id)
	target, _ := m.catalog.Target(before.Target)
	c := ledger.DecideRun(target, before, e)
	if _, asked := e.(ledger.RunEnded); asked || c.Run != before || c.Rest != nil || len(c.Items) > 0 {
		m.writeRun(c)
	}
	m.hear(before.Lane, c.Lane)
	if c.Target.Kind != ledger.Silent {
		m.breakers[before.Target] = memoryBreaker{m.breaker(before.Target).Hear(c.Target), m.now}
	}
	if c.Pause.Reason != "" && before.Target != "" {
		m.paused[before.Target] = c.Pause
	}
	if c.Run.Followed {
		m.bring(c)
		return c.Run
	}
	for _, item := range c.Items {
		if n := m.attemptIn(item.Record, id); n > 0 {
			m.happen(item.Record, c.Item(item, n))
		}
	}
	if c.Rest != nil {
		m.rest(c)
	}
	return c.Run
}

func (m *memory) writeRun(c ledger.RunChange) {
	run := m.runs[c.Run.ID]
	ended := run.EndedAt
	run.Run = c.Run
	run.SinceStart, run.Usual, run.Others, run.EndedAt = 0, 0, 0, ended
	if run.dueAt = m.due(c.Due); c.Due < 0 && ended.IsZero() {
		run.EndedAt = m.now
	}
	if c.Usual > 0 && c.Run.Target != "" {
		m.usual[memoryUsual{c.Run.Target, c.Run.Kind}] = (c.Usual + time.Microsecond - 1).Truncate(time.Microsecond)
	}
	if c.Run.Clay != "" && c.Run.State != ledger.RunFound {
		maps.DeleteFunc(m.runs, func(_ ledger.RunID, other *memoryRun) bool {
			return other.State == ledger.RunFound && other.Lane == run.Lane && other.Clay == run.Clay && other.ID != run.ID
		})
	}
}

// attemptIn returns the number of the record's attempt that a run carried, 0 for none.
func (m *memory) attemptIn(record ledger.RecordID, run ledger.RunID) int {
	for _, a := range m.attempts[record] {
		if a.run == run {
			return a.N
		}
	}
	return 0
}

// carried returns the records that a run carries, in order.
func (m *memory) carried(run ledger.RunID) (ids []ledger.RecordID) {
	for id := range m.attempts {
		if m.attemptIn(id, run) > 0 {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b ledger.RecordID) int { return bytes.Compare(a[:], b[:]) })
	return ids
}

func (m *memory) rest(c ledger.RunChange) {
	for _, id := range m.carried(c.Run.ID) {
		n, r := m.attemptIn(id, c.Run.ID), m.rows[id].Record
		waits := r.State == ledger.Sending || r.State == ledger.Sent || r.State == ledger.Uncertain
		if c.All || waits && n == r.Attempts {
			m.happen(id, c.Each(n))
		}
	}
}

// happen lets an event of a run happen to one of its records.
func (m *memory) happen(id ledger.RecordID, e ledger.Event) {
	before := m.view(id)
	target, _ := m.catalog.Target(before.Target)
	c, err := ledger.Decide(target, before, e)
	if err != nil {
		return
	}
	m.write(before, c, ledger.Digest{})
	if c.Moved && c.Record.State.Terminal() {
		for _, follower := range m.followers(id) {
			m.change(follower, ledger.Follow{Leader: m.view(id)}, ledger.Digest{})
		}
	}
}

// poll finds the run that has waited longest to be looked at.
func (m *memory) poll(lane ledger.LaneID) (*ledger.Run, time.Duration) {
	for {
		var first *memoryRun
		for _, run := range m.runs {
			sooner := first == nil || cmp.Or(run.dueAt.Compare(first.dueAt), cmp.Compare(run.ID, first.ID)) < 0
			if run.Lane == lane && !run.dueAt.IsZero() && sooner {
				first = run
			}
		}
		if first == nil {
			return nil, ledger.Never
		}
		if left := first.dueAt.Sub(m.now); left > 0 {
			return nil, left
		}
		was := first.State
		after := m.applyRun(first.ID, ledger.RunTick{})
		switch after.State {
		case ledger.RunRunning, ledger.RunFetching, ledger.RunFound:
			return m.askAbout(first, after)
		case was:
			return nil, time.Second
		}
	}
}

func (m *memory) askAbout(run *memoryRun, r ledger.Run) (*ledger.Run, time.Duration) {
	granted, wait := m.take(run.Lane, 1)
	if granted == 0 {
		return nil, wait
	}
	run.dueAt = m.now.Add(ledger.PollLease)
	return &r, 0
}

func (m *memory) take(lane ledger.LaneID, n int) (int, time.Duration) {
	l, ok := m.lanes[lane]
	if !ok {
		l = memoryLane{ledger.NewLane(lane, m.catalog.Pace(lane)), m.now}
	}
	next, granted, wait := l.Take(m.now.Sub(l.at), n)
	if granted > 0 {
		m.lanes[lane] = memoryLane{next, m.now}
	}
	return granted, wait
}
