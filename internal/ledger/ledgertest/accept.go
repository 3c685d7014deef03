package ledgertest

import (
	"runtime"
	"slices"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

var acceptTests = map[string]func(*env){
	"new":                        acceptNew,
	"known by its ID":            acceptKnownID,
	"known by its row of a load": acceptKnownRow,
	"known by either":            acceptKnownEither,
	"twice in one call":          acceptTwice,
	"all or nothing":             acceptAllOrNothing,
	"nothing":                    acceptNothing,
	"joined":                     acceptJoined,
	"cached":                     acceptCached,
	"too old":                    acceptTooOld,
	"raises a priority":          acceptRaises,
	"send by":                    acceptSendBy,
	"preview":                    acceptPreview,
	"preview within a batch":     acceptPreviewWithinABatch,
}

func acceptNew(e *env) {
	s := e.sub(people, keyed(1), priority(3), func(s *ledger.Submission) {
		s.Metadata, s.ResultTimeout = []byte(`{"row":7}`), time.Minute
	})
	got, err := e.Accept(e.Context(), []ledger.Submission{s})
	e.must(err)
	want := ledger.Record{
		ID: s.ID, Target: people, State: ledger.Queued, Priority: 3, Key: s.Key, Await: true,
		ResultTimeout: time.Minute, CreatedAt: e.clock.Now().Truncate(time.Microsecond),
	}
	e.same([]ledger.Acceptance{{Record: want}}, got)
	want.Fields, want.Metadata = s.Fields, s.Metadata
	e.same(want, e.record(s.ID))
	e.same(ledger.Counts{"queued": 1}, e.status(people).Counts)
	e.reopen()
	e.same(want, e.record(s.ID))
}

func acceptKnownID(e *env) {
	c := e.sent(people)
	e.answer(c, ledger.Accepted)
	s := e.sub(firms, func(s *ledger.Submission) { s.ID = c.Record.ID })
	got, err := e.Accept(e.Context(), []ledger.Submission{s})
	e.must(err)
	if r := got[0].Record; !got[0].Repeated || r.State != ledger.Sent || r.Target != people || r.Fields != nil {
		e.Errorf("%+v, want the record as it is, without bodies", got[0])
	}
	e.same(ledger.Counts{"sent": 1, ledger.CountSent: 1}, e.status(people).Counts)
	e.same(ledger.Counts{}, e.status(firms).Counts)
}

func acceptKnownRow(e *env) {
	load := e.load("leads.csv")
	first := e.accept(e.sub(people, row(load, 1)))[0]
	again, err := e.Accept(e.Context(), []ledger.Submission{e.sub(people, row(load, 1)), e.sub(people, row(load, 2))})
	e.must(err)
	if !again[0].Repeated || again[0].Record.ID != first.ID || again[1].Repeated {
		e.Errorf("%+v, want the first row known and the second new", again)
	}
	fresh, err := e.Load(e.Context(), ledger.Load{Target: people, Name: "leads.csv", Fresh: true})
	e.must(err)
	if got := e.accept(e.sub(people, row(fresh, 1)))[0]; got.ID == first.ID {
		e.Error("a fresh load knows a row of the former one")
	}
}

// A row handed in under an ID that another row has failed the whole call.
func acceptKnownEither(e *env) {
	load := e.load("leads.csv")
	first := e.accept(e.sub(people, row(load, 1)))[0]
	got, err := e.Accept(e.Context(), []ledger.Submission{e.sub(people, row(load, 2), func(s *ledger.Submission) { s.ID = first.ID })})
	e.must(err)
	if !got[0].Repeated || got[0].Record.ID != first.ID {
		e.Errorf("%+v, want the known record", got[0])
	}
}

func acceptTwice(e *env) {
	load := e.load("leads.csv")
	a, b := e.sub(people, row(load, 1)), e.sub(people, row(load, 1))
	got, err := e.Accept(e.Context(), []ledger.Submission{a, b, a})
	e.must(err)
	for i, want := range []bool{false, true, true} {
		if got[i].Repeated != want || got[i].Record.ID != a.ID {
			e.Errorf("%d: %+v", i, got[i])
		}
	}
	e.same(1, e.status(people).Counts.Total())
}

func acceptAllOrNothing(e *env) {
	good, bad := e.sub(people, keyed(1)), e.sub("nowhere")
	_, err := e.Accept(e.Context(), []ledger.Submission{good, bad})
	e.wantKind(ledger.NotFound, err)
	got, err := e.Records(e.Context(), []ledger.RecordID{good.ID, bad.ID})
	e.must(err)
	e.same(0, len(got))
	e.same(ledger.Counts{}, e.status(people).Counts)
	e.same(ledger.Queued, e.accept(e.sub(people, keyed(1)))[0].State)
}

func acceptNothing(e *env) {
	got, err := e.Accept(e.Context(), nil)
	e.must(err)
	e.same(0, len(got))
	applied, err := e.Apply(e.Context(), nil)
	e.must(err)
	e.same(0, len(applied))
	records, err := e.Records(e.Context(), nil)
	e.must(err)
	e.same(0, len(records))
}

func acceptJoined(e *env) {
	got := e.accept(e.sub(people, keyed(1)), e.sub(people, keyed(1)), e.sub(people, keyed(2)), e.sub(people))
	want := []ledger.State{ledger.Queued, ledger.Joined, ledger.Queued, ledger.Queued}
	for i, r := range got {
		if r.State != want[i] {
			e.Errorf("%d is %s, want %s", i, r.State, want[i])
		}
	}
	if got[1].Leader != got[0].ID {
		e.Errorf("it joined %s, want %s", got[1].Leader, got[0].ID)
	}
	e.same(ledger.Counts{"queued": 3, "joined": 1}, e.status(people).Counts)
	e.reopen()
	e.same(ledger.Joined, e.accept(e.sub(people, keyed(1)))[0].State)
}

func acceptCached(e *env) {
	c := e.sent(people, keyed(1))
	e.result(c.Record.ID, `{"title":"Countess"}`)
	e.clock.Advance(time.Hour)
	s := e.sub(people, keyed(1))
	got := e.accept(s)[0]
	stored := e.record(s.ID)
	if !got.Cached || got.State != ledger.Done || got.Result != nil || got.DoneAt.IsZero() {
		e.Errorf("accepted as %+v", got)
	}
	if string(stored.Result) != `{"title":"Countess"}` || stored.Attempts != 0 || stored.Revision != 1 || !stored.DoneAt.Equal(e.clock.Now().Truncate(time.Microsecond)) {
		e.Errorf("stored as %+v", stored)
	}
	if string(stored.Fields) != string(s.Fields) {
		e.Errorf("it has the input %s of another", stored.Fields)
	}
	e.same(ledger.Counts{"done": 2, ledger.CountCached: 1, ledger.CountSent: 1}, e.status(people).Counts)
	if work := e.claim(5); len(work) != 0 {
		e.Errorf("a cached record was claimed: %v", ids(work))
	}
}

func acceptTooOld(e *env) {
	c := e.sent(people, keyed(1))
	e.result(c.Record.ID, `{"title":"Countess"}`)
	e.clock.Advance(ledger.DefaultMaxAge)
	got := e.accept(e.sub(people, keyed(1)), e.sub(people, keyed(1)))
	e.same([]ledger.State{ledger.Queued, ledger.Joined}, []ledger.State{got[0].State, got[1].State})
}

func acceptRaises(e *env) {
	slow := e.accept(e.sub(people), e.sub(people, keyed(1)), e.sub(people))
	e.accept(e.sub(people, keyed(1), priority(5)), e.sub(people, keyed(1), priority(2)))
	e.same(5, e.record(slow[1].ID).Priority)
	e.same([]ledger.RecordID{slow[1].ID, slow[0].ID}, ids(e.claim(2)))
}

func acceptSendBy(e *env) {
	by := func(d time.Duration) func(*ledger.Submission) { return func(s *ledger.Submission) { s.SendBy = d } }
	got := e.accept(e.sub(people, by(time.Minute)), e.sub(people, by(-time.Minute)), e.sub(people))
	e.same(1, e.tickDue())
	e.clock.Advance(time.Minute)
	e.same(1, e.tickDue())
	e.wantStates([]ledger.State{ledger.Expired, ledger.Expired, ledger.Queued}, got[0].ID, got[1].ID, got[2].ID)
}

func acceptPreview(e *env) {
	load := e.load("leads.csv")
	known := e.accept(e.sub(people, row(load, 1), keyed(1)))[0]
	subs := []ledger.Submission{e.sub(people, row(load, 1), keyed(1)), e.sub(people, keyed(1), priority(9)), e.sub(people, keyed(2)), e.sub(people, keyed(2))}
	changed, cancel := e.hub.Subscribe(lane)
	defer cancel()
	for range 2 { // the second time tells the same: the first left nothing
		var told []ledger.State
		e.must(e.Preview(e.Context(), slices.Values(subs), func(a ledger.Acceptance) { told = append(told, a.Record.State) }))
		e.same([]ledger.State{ledger.Queued, ledger.Joined, ledger.Queued, ledger.Joined}, told)
	}
	select {
	case <-changed:
		e.Error("a preview woke the lane")
	default:
	}
	e.same(ledger.Counts{"queued": 1}, e.status(people).Counts)
	e.same(0, e.record(known.ID).Priority)
	stored, err := e.Records(e.Context(), []ledger.RecordID{subs[1].ID, subs[2].ID, subs[3].ID})
	e.must(err)
	e.same(0, len(stored))
	e.wantKind(ledger.NotFound, e.Preview(e.Context(), slices.Values([]ledger.Submission{e.sub("nowhere")}), func(ledger.Acceptance) {}))
}

// A preview that shared a transaction with other calls read its rows twice, and told twice what would become of them.
func acceptPreviewWithinABatch(e *env) {
	const rounds = 20 // in some of them the calls wait for the transaction together
	for range rounds {
		e.previewBesideOthers()
	}
	e.same(ledger.Counts{"queued": rounds}, e.status(people).Counts)
}

// previewBesideOthers previews two rows while another preview holds the transaction, beside a submission that is taken
// and one that is refused.
func (e *env) previewBesideOthers() {
	e.Helper()
	entered, leave := make(chan struct{}), make(chan struct{})
	errs := make(chan error, 4)
	go func() {
		errs <- e.Preview(e.Context(), func(func(ledger.Submission) bool) { close(entered); <-leave }, func(ledger.Acceptance) {})
	}()
	<-entered
	told, subs := 0, []ledger.Submission{e.sub(people), e.sub(people)}
	go func() {
		errs <- e.Preview(e.Context(), slices.Values(subs), func(ledger.Acceptance) { told++ })
	}()
	letOthersRun() // so that it comes before the one that fails
	for _, s := range []ledger.Submission{e.sub(people), e.sub("nowhere")} {
		go func() {
			_, err := e.Accept(e.Context(), []ledger.Submission{s})
			if s.Target == "nowhere" && ledger.KindOf(err) == ledger.NotFound {
				err = nil
			}
			errs <- err
		}()
	}
	letOthersRun()
	close(leave)
	for range 4 {
		e.must(<-errs)
	}
	e.same(2, told)
}

// letOthersRun lets goroutines that were just started come to where they wait.
func letOthersRun() {
	for range 100 {
		runtime.Gosched()
	}
}
