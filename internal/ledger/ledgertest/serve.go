package ledgertest

import (
	"crypto/sha256"
	"sync"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

var serveTests = map[string]func(*env){
	"idempotency keys":             serveOnce,
	"50 requests with one key":     serveOnceTogether,
	"an idempotency key is old":    serveOnceExpires,
	"stop and start":               serveStop,
	"API keys":                     serveKeys,
	"lists":                        serveLists,
	"lists of a key":               serveKeyLists,
	"lists of a target":            serveTargetLists,
	"notices":                      serveNotices,
	"another input, by its policy": serveConflicts,
}

func once(key, body byte) func(*ledger.Submission) {
	return func(s *ledger.Submission) { s.Once = &ledger.Once{Key: ledger.Digest{key}, Body: ledger.Digest{body}} }
}

func (e *env) acceptOne(s ledger.Submission) ledger.Acceptance {
	e.Helper()
	got, err := e.Accept(e.Context(), []ledger.Submission{s})
	e.must(err)
	return got[0]
}

func serveOnce(e *env) {
	first := e.acceptOne(e.sub(people, once(1, 1)))
	if first.Repeated || first.Err != nil {
		e.Errorf("the first time it is %+v", first)
	}
	e.claim(1)
	again := e.acceptOne(e.sub(people, once(1, 1)))
	if !again.Repeated || again.Record.ID != first.Record.ID || again.Record.State != ledger.Sending {
		e.Errorf("the second time it is %+v, want the record in its present state", again)
	}
	other := e.acceptOne(e.sub(people, once(1, 2)))
	e.wantKind(ledger.Reused, other.Err)
	if e.acceptOne(e.sub(people, once(2, 1))).Repeated {
		e.Error("another key is known")
	}
	e.reopen()
	if again := e.acceptOne(e.sub(people, once(1, 1))); !again.Repeated || again.Record.ID != first.Record.ID {
		e.Errorf("after a restart it is %+v", again)
	}
	e.same(2, e.status(people).Counts.Total())
}

func serveOnceTogether(e *env) {
	var wg sync.WaitGroup
	fresh := make(chan struct{}, 50)
	for range 50 {
		wg.Go(func() {
			got, err := e.Accept(e.Context(), []ledger.Submission{e.sub(people, once(1, 1))})
			if err != nil || got[0].Err != nil {
				e.Error(err, got)
			} else if !got[0].Repeated {
				fresh <- struct{}{}
			}
		})
	}
	wg.Wait()
	e.same(1, len(fresh))
	e.same(1, e.status(people).Counts.Total())
}

func serveOnceExpires(e *env) {
	e.acceptOne(e.sub(people, once(1, 1)))
	e.clock.Advance(ledger.OnceRetention - time.Second)
	if !e.acceptOne(e.sub(people, once(1, 1))).Repeated {
		e.Error("it was forgotten too early")
	}
	e.clock.Advance(time.Second)
	if got := e.acceptOne(e.sub(people, once(1, 2))); got.Repeated || got.Err != nil {
		e.Errorf("an old key is %+v, want it as good as new", got)
	}
	if !e.acceptOne(e.sub(people, once(1, 2))).Repeated {
		e.Error("the new one is not known")
	}
}

func serveStop(e *env) {
	e.accept(e.sub(people), e.sub(firms))
	stopped := func() string {
		stops, err := e.Stopped(e.Context())
		e.must(err)
		return stops.Of(ledger.MainWorkspace)
	}
	e.same("", stopped())
	e.must(e.Stop(e.Context(), ledger.Everything, "a mistake"))
	got := e.claims(ledger.Want{Lane: lane, Max: 5})
	e.same(ledger.Claims{Wait: ledger.Never}, got)
	e.reopen()
	e.same("a mistake", stopped())
	e.same(0, len(e.claim(5)))
	e.accept(e.sub(people)) // what comes in is kept
	changed, cancel := e.hub.Subscribe(lane)
	defer cancel()
	e.must(e.Start(e.Context(), ledger.Everything))
	e.woken(changed)
	e.same("", stopped())
	e.same(3, len(e.claim(5)))
}

func serveKeys(e *env) {
	key := func(id string) ledger.APIKey {
		return ledger.APIKey{
			ID: id, Name: "the CRM's, \"new\"", Hash: sha256.Sum256([]byte(id)), Scopes: []ledger.Scope{ledger.ScopeSend, ledger.ScopeRead},
			Workspaces: []string{"acme", "zeta"}, Targets: []string{people, firms},
		}
	}
	a, b := key("key_a"), ledger.APIKey{ID: "key_b", Hash: sha256.Sum256([]byte("b")), Scopes: []ledger.Scope{ledger.ScopeAdmin}, Ingest: people}
	e.must(e.AddKey(e.Context(), a))
	a.CreatedAt = e.clock.Now().Truncate(time.Microsecond)
	e.clock.Advance(time.Minute)
	e.must(e.AddKey(e.Context(), b))
	b.CreatedAt = e.clock.Now().Truncate(time.Microsecond)
	e.clock.Advance(time.Minute)
	for range 2 {
		e.must(e.RevokeKey(e.Context(), "key_a"))
		if a.RevokedAt.IsZero() {
			a.RevokedAt = e.clock.Now().Truncate(time.Microsecond)
		}
		e.clock.Advance(time.Minute) // revoked again, it keeps its time
	}
	e.wantKind(ledger.NotFound, e.RevokeKey(e.Context(), "key_c"))
	e.reopen()
	got, err := e.Keys(e.Context())
	e.must(err)
	e.same([]ledger.APIKey{a, b}, got)
}

func serveNotices(e *env) {
	last, err := e.LastNotice(e.Context())
	e.must(err)
	e.same(int64(0), last)
	changed, cancel := e.hub.Subscribe(ledger.Announced)
	defer cancel()
	leader, a, b := e.shared()
	e.result(leader.Record.ID, `{"title":""}`)
	e.woken(changed)
	e.result(leader.Record.ID, `{"title":"Countess"}`)
	e.result(leader.Record.ID, `{"title":"Countess"}`) // no news
	e.must(e.Pause(e.Context(), people, ledger.Pause{Reason: "so"}))
	e.reopen()
	cached := e.acceptOne(e.sub(people, keyed(1))).Record
	e.same(ledger.Done, cached.State)
	type notice struct {
		Kind   ledger.NoticeKind
		Cached bool
		Record ledger.RecordID
		Reason string
	}
	want := []notice{
		{Kind: ledger.RecordDone, Record: leader.Record.ID}, {Kind: ledger.RecordDone, Cached: true, Record: a},
		{Kind: ledger.RecordDone, Cached: true, Record: b},
		{Kind: ledger.RecordUpdated, Record: leader.Record.ID}, {Kind: ledger.TargetPaused, Reason: "so"},
		{Kind: ledger.RecordDone, Cached: true, Record: cached.ID},
	}
	var got []notice
	var seq int64
	for { // one at a time, going on where it stopped
		page, err := e.Notices(e.Context(), seq, 1)
		e.must(err)
		if len(page) == 0 {
			break
		}
		if page[0].Seq <= seq || page[0].Target != people || page[0].At.IsZero() {
			e.Errorf("after %d comes %+v", seq, page[0])
		}
		seq = page[0].Seq
		got = append(got, notice{page[0].Kind, page[0].Cached, page[0].Record, page[0].Reason})
	}
	e.same(want, got)
	last, err = e.LastNotice(e.Context())
	e.must(err)
	e.same(seq, last)
}

// What has the key of a record under way and another input joins it, is sent apart or is refused, as the target says.
func serveConflicts(e *env) {
	for policy, want := range map[ledger.ConflictPolicy]ledger.State{"": ledger.Joined, ledger.Separate: ledger.Queued, ledger.Reject: ""} {
		e.opts.Catalog = ledger.NewCatalog([]ledger.Target{{Name: people, Lane: lane, OnConflict: policy}}, nil)
		e.reopen()
		key := keyed(byte(len(policy) + 1))
		owner := e.acceptOne(e.sub(people, key))
		input := func(s *ledger.Submission) { s.Fields = []byte(`{"email":"another@example.com"}`) }
		got := e.acceptOne(e.sub(people, key, input))
		if want == "" {
			e.wantKind(ledger.Conflict, got.Err)
			e.wantKind(ledger.Conflict, e.acceptOne(e.sub(people, key, input, once(9, 9))).Err)
		} else if got.Record.State != want || got.Differs != (want == ledger.Joined) {
			e.Errorf("%q: %+v, want it %s", policy, got, want)
		}
		same := e.sub(people, key, func(s *ledger.Submission) { s.ID = owner.Record.ID })
		if again := e.acceptOne(same); !again.Repeated || again.Err != nil {
			e.Errorf("%q: the owner itself, with another input, is %+v", policy, again)
		}
	}
}
