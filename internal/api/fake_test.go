package api_test

import (
	"context"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/claygate/claygate/internal/api"
	"github.com/claygate/claygate/internal/ledger"
)

// fake is a ledger in memory, which runs by the rules of the real one. It is for tests in a bubble of time, and for
// those that make it fail.
type fake struct {
	hub *ledger.Hub

	mu       sync.Mutex
	targets  map[string]ledger.Target
	records  map[ledger.RecordID]ledger.Record
	owners   map[ledger.Digest]ledger.RecordID
	once     map[ledger.Digest]ledger.Acceptance
	bodies   map[ledger.Digest]ledger.Digest
	loads    []ledger.Load
	rows     map[work]ledger.RecordID
	answers  map[ledger.RecordID][]ledger.Attempt
	notices  []ledger.Notice
	keys     []ledger.APIKey
	deeds    []ledger.Deed
	paused   map[string]ledger.Pause
	disabled map[string]string // destinations, and why
	runs     []ledger.Run      // the oldest first
	brought  map[ledger.RunID][][]byte
	told     []string // runs of whose end it has heard

	charges
	flows    map[ledger.Digest]ledger.Flow
	stopped  ledger.Stops
	signals  []ledger.Signal // that lanes heard
	wait     time.Duration   // until a lane has a token
	fails    error           // what every call returns
	reads    int             // calls that a disk would have answered
	keyReads int             // of these: for the keys, which are read when it is time
	joined   bool            // there are or were joined records
	forget   bool            // records are accepted and not kept: for very many of them
}

// work is a row of a load.
type work struct {
	load ledger.LoadID
	row  ledger.Digest
}

var (
	_ api.Ledger    = (*fake)(nil)
	_ ledger.Intake = (*fake)(nil)
)

func newFake(targets ...ledger.Target) *fake {
	f := &fake{
		hub: &ledger.Hub{}, targets: map[string]ledger.Target{}, records: map[ledger.RecordID]ledger.Record{},
		owners: map[ledger.Digest]ledger.RecordID{}, once: map[ledger.Digest]ledger.Acceptance{},
		rows: map[work]ledger.RecordID{}, bodies: map[ledger.Digest]ledger.Digest{}, paused: map[string]ledger.Pause{},
		answers: map[ledger.RecordID][]ledger.Attempt{}, stopped: ledger.Stops{},
	}
	for _, t := range targets {
		f.targets[t.Name] = t
	}
	return f
}

// begin locks the ledger for a call.
func (f *fake) begin(ctx context.Context) (unlock func(), err error) {
	f.mu.Lock()
	f.reads++
	if f.fails != nil {
		err = f.fails
	} else {
		err = ctx.Err()
	}
	return f.mu.Unlock, err
}

func (f *fake) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fails = err
}

func (f *fake) Accept(ctx context.Context, in []ledger.Submission) ([]ledger.Acceptance, error) {
	unlock, err := f.begin(ctx)
	defer unlock()
	if err != nil {
		return nil, err
	}
	out := make([]ledger.Acceptance, len(in))
	for i, s := range in {
		out[i] = f.accept(s)
	}
	return out, nil
}

func (f *fake) accept(s ledger.Submission) ledger.Acceptance {
	if s.Once != nil {
		if body, known := f.bodies[s.Once.Key]; known {
			if body != s.Once.Body {
				return ledger.Acceptance{Err: &ledger.Error{Kind: ledger.Reused, Message: "this idempotency key came before, with another body"}}
			}
			a := f.once[s.Once.Key]
			a.Record, a.Repeated = f.records[a.Record.ID], true
			return a
		}
	}
	row := work{s.Load, s.Work}
	if r, known := f.records[f.rows[row]]; known {
		return ledger.Acceptance{Record: r, Repeated: true}
	}
	var owner *ledger.Record
	if r, ok := f.records[f.owners[s.Key]]; ok && !s.Key.IsZero() {
		r.SinceDone = time.Since(r.DoneAt)
		owner = &r
	}
	a := ledger.Admit(f.targets[s.Target], owner, s)
	if a.Err != nil {
		return ledger.Acceptance{Err: a.Err}
	}
	a.Record.CreatedAt = time.Now()
	if f.forget {
		return ledger.Acceptance{Record: a.Record}
	}
	if a.Owns {
		f.owners[s.Key] = s.ID
	}
	if s.Load != 0 {
		f.rows[row] = s.ID
	}
	f.put(a.Record, a.Notice())
	accepted := ledger.Acceptance{Record: a.Record, Differs: a.Differs}
	accepted.Record.Fields, accepted.Record.Metadata, accepted.Record.Result = nil, nil, nil
	if s.Once != nil {
		f.bodies[s.Once.Key], f.once[s.Once.Key] = s.Once.Body, accepted
	}
	return accepted
}

// put keeps a record and tells of it.
func (f *fake) put(r ledger.Record, notice ledger.NoticeKind) {
	if r.State == ledger.Done && r.DoneAt.IsZero() {
		r.DoneAt = time.Now()
	}
	if r.State == ledger.Joined {
		f.joined = true
	}
	f.records[r.ID] = r
	topics := map[any]struct{}{r.ID: {}}
	f.announce(ledger.Notice{Kind: notice, Target: r.Target, Record: r.ID}, topics)
	f.hub.Publish(topics)
}

func (f *fake) announce(n ledger.Notice, topics map[any]struct{}) {
	if n.Kind != "" {
		n.Seq, n.At = int64(len(f.notices)+1), time.Now()
		f.notices = append(f.notices, n)
		topics[ledger.Announced] = struct{}{}
	}
}

func (f *fake) Preview(ctx context.Context, in iter.Seq[ledger.Submission], tell func(ledger.Acceptance)) error {
	look := newFake()
	look.targets, look.records, look.owners, look.rows = f.targets, maps.Clone(f.records), maps.Clone(f.owners), maps.Clone(f.rows)
	for s := range in {
		tell(look.accept(s))
	}
	return ctx.Err()
}

func (f *fake) Secret(ctx context.Context, name string) ([]byte, error) {
	unlock, err := f.begin(ctx)
	defer unlock()
	return []byte(name), err
}

func (f *fake) Load(ctx context.Context, load ledger.Load) (ledger.LoadID, error) {
	unlock, err := f.begin(ctx)
	defer unlock()
	fresh := load.Fresh
	load.Fresh = false
	if i := slices.Index(f.loads, load); i >= 0 && !fresh {
		return ledger.LoadID(i + 1), err
	}
	f.loads = append(f.loads, load)
	return ledger.LoadID(len(f.loads)), err
}

func (f *fake) LoadOf(ctx context.Context, id ledger.LoadID) (ledger.Load, error) {
	unlock, err := f.begin(ctx)
	defer unlock()
	if err == nil && (id < 1 || int(id) > len(f.loads)) {
		return ledger.Load{}, &ledger.Error{Kind: ledger.NotFound, Message: "there is no such load"}
	}
	return f.loads[id-1], err
}

func (f *fake) LoadCounts(ctx context.Context, id ledger.LoadID) (ledger.Counts, error) {
	unlock, err := f.begin(ctx)
	defer unlock()
	counts := ledger.Counts{}
	for _, r := range f.records {
		if r.Load == id {
			counts.Recount(nil, &r)
		}
	}
	return counts, err
}

func (f *fake) Waiting(ctx context.Context, id ledger.LoadID) ([]ledger.RecordID, error) {
	unlock, err := f.begin(ctx)
	defer unlock()
	var waiting []ledger.RecordID
	for _, r := range f.records {
		if r.Load == id && r.State == ledger.Queued {
			waiting = append(waiting, r.ID)
		}
	}
	return waiting, err
}

func (f *fake) Apply(ctx context.Context, entries []ledger.Entry) ([]ledger.Applied, error) {
	unlock, err := f.begin(ctx)
	defer unlock()
	if err != nil {
		return nil, err
	}
	out := make([]ledger.Applied, len(entries))
	for i, e := range entries {
		r, ok := f.records[e.Record]
		if !ok {
			out[i].Err = &ledger.Error{Kind: ledger.NotFound, Message: "there is no such record"}
			continue
		}
		c, err := ledger.Decide(f.targets[r.Target], r, e.Event)
		if err != nil {
			out[i].Err = err
			continue
		}
		if a, ok := e.Event.(ledger.Answer); ok {
			f.answers[e.Record] = append(f.answers[e.Record], ledger.Attempt{N: a.Attempt, Outcome: a.Outcome, Verdict: a.Verdict, Status: a.Status})
		}
		f.put(c.Record, c.Notice())
		out[i] = ledger.Applied{Record: c.Record, Moved: c.Moved, Fresh: c.Fresh}
		f.lead(c.Record)
	}
	return out, nil
}

// lead ends the records that joined this one.
func (f *fake) lead(leader ledger.Record) {
	if !f.joined {
		return
	}
	for _, r := range f.records {
		if r.Leader == leader.ID && leader.State.Terminal() {
			if c, err := ledger.Decide(f.targets[r.Target], r, ledger.Follow{Leader: leader}); err == nil {
				f.put(c.Record, c.Notice())
			}
		}
	}
}

func (f *fake) Records(ctx context.Context, ids []ledger.RecordID) ([]ledger.Record, error) {
	unlock, err := f.begin(ctx)
	defer unlock()
	var found []ledger.Record
	for _, id := range ids {
		if r, ok := f.records[id]; ok {
			found = append(found, r)
		}
	}
	return found, err
}

func (f *fake) List(ctx context.Context, q ledger.Query) ([]ledger.Record, error) {
	unlock, err := f.begin(ctx)
	defer unlock()
	var found []ledger.Record
	for _, r := range f.records {
		if (q.Target == "" || q.Target == r.Target) && (len(q.States) == 0 || slices.Contains(q.States, r.State)) &&
			(q.Key.IsZero() || q.Key == r.Key) && (q.Before.IsZero() || slices.Compare(r.ID[:], q.Before[:]) < 0) {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b ledger.Record) int { return slices.Compare(b.ID[:], a.ID[:]) })
	return found[:min(len(found), q.Max)], err
}

func (f *fake) Erase(ctx context.Context, e ledger.Erasure) (done ledger.Erased, err error) {
	unlock, err := f.begin(ctx)
	defer unlock()
	for id, r := range f.records {
		if err != nil || r.Erased || !slices.Contains(e.Records, id) && !slices.Contains(e.Keys, r.Key) && r.Target != e.Target {
			continue
		}
		c, _ := ledger.Decide(f.targets[r.Target], r, ledger.Erase{}) // which is never refused
		f.records[id] = c.Record
		done.Add(r, c)
	}
	return done, err
}

func (f *fake) Loose(ctx context.Context, _ ledger.LooseID, _ int) ([]ledger.Loose, error) {
	unlock, err := f.begin(ctx)
	defer unlock()
	return nil, err
}

func (f *fake) Attempts(ctx context.Context, id ledger.RecordID) ([]ledger.Attempt, error) {
	unlock, err := f.begin(ctx)
	defer unlock()
	return f.answers[id], err
}

func (f *fake) TargetStatus(ctx context.Context, target string) (ledger.TargetStatus, error) {
	unlock, err := f.begin(ctx)
	defer unlock()
	status := ledger.TargetStatus{Paused: f.paused[target], Counts: ledger.Counts{}}
	for _, r := range f.records {
		if r.Target == target {
			status.Counts.Recount(nil, &r)
		}
	}
	return status, err
}

func (f *fake) Pause(ctx context.Context, target string, p ledger.Pause) error {
	return f.set(ctx, ledger.Notice{Kind: ledger.TargetPaused, Target: target, Reason: p.Reason}, func() { f.paused[target] = p })
}

func (f *fake) Resume(ctx context.Context, target string) error {
	return f.set(ctx, ledger.Notice{Kind: ledger.TargetResumed, Target: target}, func() { delete(f.paused, target) })
}

func (f *fake) Stop(ctx context.Context, workspace, reason string) error {
	return f.set(ctx, ledger.Switched(workspace, reason), func() { f.stopped[workspace] = reason })
}

func (f *fake) Start(ctx context.Context, workspace string) error {
	return f.set(ctx, ledger.Switched(workspace, ""), func() { delete(f.stopped, workspace) })
}

func (f *fake) set(ctx context.Context, n ledger.Notice, change func()) error {
	unlock, err := f.begin(ctx)
	defer unlock()
	if err == nil {
		change()
		topics := map[any]struct{}{ledger.Pauses: {}}
		f.announce(n, topics)
		f.hub.Publish(topics)
	}
	return err
}

func (f *fake) Stopped(ctx context.Context) (ledger.Stops, error) {
	unlock, err := f.begin(ctx)
	defer unlock()
	return maps.Clone(f.stopped), err
}

func (f *fake) Notices(ctx context.Context, after int64, most int) ([]ledger.Notice, error) {
	unlock, err := f.begin(ctx)
	defer unlock()
	rest := f.notices[min(int(after), len(f.notices)):]
	return slices.Clone(rest[:min(len(rest), most)]), err
}

func (f *fake) LastNotice(ctx context.Context) (int64, error) {
	unlock, err := f.begin(ctx)
	defer unlock()
	return int64(len(f.notices)), err
}

func (f *fake) Keys(ctx context.Context) ([]ledger.APIKey, error) {
	unlock, err := f.begin(ctx)
	defer unlock()
	f.keyReads++
	return slices.Clone(f.keys), err
}

func (f *fake) Note(ctx context.Context, d ledger.Deed) error {
	unlock, err := f.begin(ctx)
	defer unlock()
	if err == nil {
		d.Seq, d.At = int64(len(f.deeds)+1), time.Now()
		f.deeds = append(f.deeds, d)
	}
	return err
}

func (f *fake) Deeds(ctx context.Context, before int64, most int) (deeds []ledger.Deed, err error) {
	unlock, err := f.begin(ctx)
	defer unlock()
	for _, d := range slices.Backward(f.deeds) {
		if (before == 0 || d.Seq < before) && len(deeds) < most {
			deeds = append(deeds, d)
		}
	}
	return deeds, err
}

func (f *fake) Rotate(ctx context.Context, _ string) error {
	unlock, err := f.begin(ctx)
	defer unlock()
	return err
}

func (f *fake) AddKey(ctx context.Context, key ledger.APIKey) error {
	unlock, err := f.begin(ctx)
	defer unlock()
	if err == nil {
		key.CreatedAt = time.Now()
		f.keys = append(f.keys, key)
	}
	return err
}

func (f *fake) RevokeKey(ctx context.Context, id string) error {
	unlock, err := f.begin(ctx)
	defer unlock()
	for i, key := range f.keys {
		if key.ID == id && err == nil {
			f.keys[i].RevokedAt = time.Now()
			return nil
		}
	}
	if err != nil {
		return err
	}
	return &ledger.Error{Kind: ledger.NotFound, Op: "key", Message: "there is no key " + id}
}

// full is a ledger whose disk is full after some calls.
type full struct {
	*fake
	most int
}

func (f *full) Accept(ctx context.Context, in []ledger.Submission) ([]ledger.Acceptance, error) {
	if f.most--; f.most < 0 {
		return nil, &ledger.Error{Kind: ledger.Full, Op: "accept", Message: "no space"}
	}
	return f.fake.Accept(ctx, in)
}

func (f *fake) Targets(ctx context.Context) ([]string, error) {
	unlock, err := f.begin(ctx)
	defer unlock()
	names := map[string]bool{}
	for _, r := range f.records {
		names[r.Target] = true
	}
	return slices.Sorted(maps.Keys(names)), err
}

func (f *fake) Take(ctx context.Context, _ ledger.LaneID, _ int) (int, time.Duration, error) {
	unlock, err := f.begin(ctx)
	defer unlock()
	if f.wait > 0 {
		return 0, f.wait, err
	}
	return 1, 0, err
}

func (f *fake) Report(ctx context.Context, _ ledger.LaneID, s ledger.Signal) error {
	unlock, err := f.begin(ctx)
	defer unlock()
	f.signals = append(f.signals, s)
	return err
}

func (f *fake) Flows(ctx context.Context, webhooks []ledger.Digest) (map[ledger.Digest]ledger.Flow, error) {
	unlock, err := f.begin(ctx)
	defer unlock()
	return maps.Clone(f.flows), err
}
