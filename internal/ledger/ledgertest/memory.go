package ledgertest

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// memory is a ledger in maps: the model that stores are compared with. It asks Admit, Decide and Take for everything
// they know, and keeps only what a store keeps.
type memory struct {
	catalog  *ledger.Catalog
	now      time.Time
	rows     map[ledger.RecordID]*memoryRow
	keys     map[ledger.Digest]ledger.RecordID
	lanes    map[ledger.LaneID]memoryLane
	breakers map[string]memoryBreaker
	paused   map[string]ledger.Pause
	used     map[ledger.Digest]ledger.WebhookUse
	attempts map[ledger.RecordID][]memoryAttempt
	memoryRuns
	memoryOutbox
	memoryMoney
}

// memoryRow is a record with times in place of durations; a zero time is none.
type memoryRow struct {
	ledger.Record
	work                   ledger.Digest
	wantedBy               ledger.LoadID
	sentAt, readyAt, dueAt time.Time
	endedAt                time.Time
	sendBy                 time.Time
}

type memoryLane struct {
	ledger.Lane
	at time.Time
}

type memoryBreaker struct {
	ledger.Breaker
	at time.Time
}

type memoryAttempt struct {
	ledger.Attempt
	webhook ledger.Digest
	run     ledger.RunID
}

func newMemory(c *ledger.Catalog) *memory {
	return &memory{
		catalog: c, rows: map[ledger.RecordID]*memoryRow{}, keys: map[ledger.Digest]ledger.RecordID{},
		lanes: map[ledger.LaneID]memoryLane{}, breakers: map[string]memoryBreaker{}, paused: map[string]ledger.Pause{},
		used: map[ledger.Digest]ledger.WebhookUse{}, attempts: map[ledger.RecordID][]memoryAttempt{},
		memoryRuns:   memoryRuns{runs: map[ledger.RunID]*memoryRun{}, usual: map[memoryUsual]time.Duration{}, kept: map[ledger.RunID]map[int]string{}},
		memoryOutbox: memoryOutbox{disabled: map[string]string{}},
		memoryMoney:  memoryMoney{map[ledger.UsageOf]ledger.Usage{}},
	}
}

// view is a record as it is read now.
func (m *memory) view(id ledger.RecordID) ledger.Record {
	row := m.rows[id]
	r := row.Record
	if !row.sentAt.IsZero() {
		r.SinceSend = m.now.Sub(row.sentAt)
	}
	if !r.DoneAt.IsZero() {
		r.SinceDone = m.now.Sub(r.DoneAt)
	}
	if r.SendBy = 0; !row.sendBy.IsZero() {
		if r.SendBy = row.sendBy.Sub(m.now); r.SendBy == 0 {
			r.SendBy = -1
		}
	}
	return r
}

func (m *memory) owner(key ledger.Digest) *ledger.Record {
	id, ok := m.keys[key]
	if !ok || key.IsZero() {
		return nil
	}
	r := m.view(id)
	return &r
}

func (m *memory) accept(s ledger.Submission) ledger.Acceptance {
	for id, row := range m.rows {
		if id == s.ID || s.Load != 0 && row.Load == s.Load && row.work == s.Work && !s.Work.IsZero() {
			m.want(s.Load, id)
			return ledger.Acceptance{Record: m.view(id), Repeated: true}
		}
	}
	target, _ := m.catalog.Target(s.Target)
	owner := m.owner(s.Key)
	a := ledger.Admit(target, owner, s)
	if a.Err == nil && a.Record.State == ledger.Queued {
		if err := m.refusal(s); err != nil {
			return ledger.Acceptance{Err: err}
		}
	}
	row := &memoryRow{Record: a.Record, work: s.Work, wantedBy: s.Load}
	row.CreatedAt = m.now
	if row.State == ledger.Done {
		row.DoneAt, row.endedAt = m.now, m.now
	}
	if s.SendBy != 0 {
		row.sendBy = m.now.Add(s.SendBy)
	}
	row.dueAt = m.due(a.Due)
	m.rows[s.ID] = row
	m.account(nil, &row.Record)
	if a.Owns {
		m.keys[s.Key] = s.ID
	}
	if a.Raise {
		m.rows[owner.ID].Priority = s.Priority
	}
	m.post(target.Deliveries(a.Notice(), a.Record))
	m.want(s.Load, s.ID)
	return ledger.Acceptance{Record: m.view(s.ID), Differs: a.Differs}
}

// want notes that a load asks for a record, or for the one that it joined.
func (m *memory) want(load ledger.LoadID, id ledger.RecordID) {
	if load == 0 {
		return
	}
	row := m.rows[id]
	if row.State == ledger.Joined {
		row = m.rows[row.Leader]
	}
	if !row.State.Terminal() {
		row.wantedBy = load
	}
}

func (m *memory) due(d time.Duration) time.Time {
	if d < 0 {
		return time.Time{}
	}
	return m.now.Add(d)
}

func (m *memory) use(webhook ledger.Digest, n int) {
	use := m.used[webhook]
	use.Submissions += n
	m.used[webhook] = use
}

// change decides and writes; it returns the change, or none when it was refused.
func (m *memory) change(id ledger.RecordID, e ledger.Event, webhook ledger.Digest) ledger.Change {
	before := m.view(id)
	target, _ := m.catalog.Target(before.Target)
	switch event := e.(type) {
	case ledger.Replay:
		event.Owner = m.owner(before.Key)
		e = event
	case ledger.Resolve:
		event.Owner = m.owner(before.Key)
		e = event
	case ledger.Follow:
		event.Owner = m.owner(before.Key)
		e = event
	case ledger.Answer:
		event.Open = m.breaker(before.Target).Open()
		e = event
	}
	c, err := ledger.Decide(target, before, e)
	if err != nil {
		return ledger.Change{Record: before}
	}
	m.write(before, c, webhook)
	m.post(target.Deliveries(c.Notice(), c.Record))
	if c.Pause.Reason != "" {
		m.paused[before.Target] = c.Pause
	}
	m.hear(target.Lane, c.Lane)
	if c.Target.Kind != ledger.Silent {
		m.breakers[before.Target] = memoryBreaker{m.breaker(before.Target).Hear(c.Target), m.now}
	}
	if c.Moved && c.Record.State.Terminal() {
		for _, follower := range m.followers(id) {
			m.change(follower, ledger.Follow{Leader: m.view(id)}, ledger.Digest{})
		}
	}
	return c
}

// followers returns the records that joined one, the oldest first.
func (m *memory) followers(leader ledger.RecordID) []ledger.RecordID {
	var ids []ledger.RecordID
	for _, row := range m.rows {
		if row.Leader == leader {
			ids = append(ids, row.ID)
		}
	}
	slices.SortFunc(ids, func(a, b ledger.RecordID) int { return bytes.Compare(a[:], b[:]) })
	return ids
}

func (m *memory) write(before ledger.Record, c ledger.Change, webhook ledger.Digest) {
	row := m.rows[c.Record.ID]
	row.Record = c.Record
	m.account(&before, &row.Record)
	if c.Moved || c.Later {
		row.dueAt = m.due(c.Due)
	}
	if c.Moved {
		if row.readyAt = (time.Time{}); c.Ready > 0 {
			row.readyAt = m.now.Add(c.Ready)
		}
		if c.Record.State == ledger.Done {
			row.DoneAt = m.now
		}
		if row.endedAt = (time.Time{}); c.Record.State.Terminal() {
			row.endedAt = m.now
		}
		if before.SendBy != 0 && c.Record.SendBy == 0 {
			row.sendBy = time.Time{}
		}
	}
	if c.Owns {
		m.keys[c.Record.Key] = c.Record.ID
	}
	if again := before.State == ledger.Joined && before.Leader != row.Leader; again || before.State.Terminal() && !row.State.Terminal() {
		m.want(row.Load, row.ID)
	}
	m.writeAttempt(row, c, webhook)
}

func (m *memory) writeAttempt(row *memoryRow, c ledger.Change, webhook ledger.Digest) {
	if c.Begun {
		row.sentAt = m.now
		m.attempts[row.ID] = append(m.attempts[row.ID], memoryAttempt{ledger.Attempt{Record: row.ID, N: c.Record.Attempts, StartedAt: m.now}, webhook, 0})
	}
	all := m.attempts[row.ID]
	if e := c.Ended; e != nil && e.Attempt >= 1 && e.Attempt <= len(all) {
		a := &all[e.Attempt-1]
		if !a.webhook.IsZero() {
			m.use(a.webhook, submissions(e.Verdict)-submissions(a.Verdict))
		}
		if c.Exhausted {
			use := m.used[a.webhook]
			use.Exhausted = true
			m.used[a.webhook] = use
		}
		a.Outcome, a.Verdict, a.Status, a.Excerpt, a.RetryAfter, a.AnsweredAt = e.Outcome, e.Verdict, e.Status, e.Excerpt, e.RetryAfter, m.now
	}
	if c.Doubt >= 1 && c.Doubt <= len(all) {
		all[c.Doubt-1].MayDuplicate = true
	}
}

func submissions(v ledger.Verdict) int {
	if v.Counted() {
		return 1
	}
	return 0
}

func (m *memory) hear(id ledger.LaneID, s ledger.Signal) {
	l, ok := m.lanes[id]
	if !ok {
		l = memoryLane{ledger.NewLane(id, m.catalog.Pace(id)), m.now}
	}
	if s.Kind == ledger.Silent || s.Kind == ledger.Flowing && l.Misses == 0 {
		return
	}
	m.lanes[id] = memoryLane{l.Hear(m.now.Sub(l.at), s), m.now}
}

// breaker returns a target's breaker as it stands now.
func (m *memory) breaker(target string) ledger.Breaker {
	b := m.breakers[target]
	return b.After(m.now.Sub(b.at))
}

// dueNow returns what is due, in order.
func (m *memory) dueNow() []ledger.RecordID {
	var rows []*memoryRow
	for _, row := range m.rows {
		if !row.dueAt.IsZero() && !row.dueAt.After(m.now) {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b *memoryRow) int {
		return cmp.Or(a.dueAt.Compare(b.dueAt), bytes.Compare(a.ID[:], b.ID[:]))
	})
	due := make([]ledger.RecordID, len(rows))
	for i, row := range rows {
		due[i] = row.ID
	}
	return due
}

// prune erases and removes what was kept long enough.
func (m *memory) prune(keep ledger.Retention) {
	keep = keep.Normal()
	for id, row := range m.rows {
		age := m.now.Sub(row.endedAt)
		if !row.endedAt.IsZero() && age >= keep.Bodies && !row.Erased {
			m.withdraw(id)
		}
		switch {
		case row.endedAt.IsZero() || age < keep.Bodies:
		case age < keep.Metadata:
			row.Erased, row.Fields, row.Result, row.CallbackURL = true, nil, nil, ""
			for i := range m.attempts[id] {
				m.attempts[id][i].Excerpt = ""
			}
		default:
			delete(m.rows, id)
			delete(m.attempts, id)
			if m.keys[row.Key] == id {
				delete(m.keys, row.Key)
			}
		}
	}
}

// erase takes a record's bodies away.
func (m *memory) erase(id ledger.RecordID) {
	m.change(id, ledger.Erase{}, ledger.Digest{})
	for i := range m.attempts[id] {
		m.attempts[id][i].Excerpt = ""
	}
}

// counts counts the records of a scope.
func (m *memory) counts(in func(ledger.Record) bool) ledger.Counts {
	counts := ledger.Counts{}
	for _, row := range m.rows {
		if in(row.Record) {
			counts.Recount(nil, &row.Record)
		}
	}
	return counts
}
