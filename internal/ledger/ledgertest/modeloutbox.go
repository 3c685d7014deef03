package ledgertest

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/claygate/claygate/internal/ledger"
)

// outboxHistory is one random history of a ledger that forwards, and of its model.
type outboxHistory struct {
	*run
	under []underWay
}

// underWay is a delivery that was claimed, as the store and as the model have it. It stays one after its lease, and after it
// was settled: answers come late, and twice.
type underWay struct {
	seq   int64
	model *memoryDelivery
}

// hook is where records' own URLs lead.
const hook = "https://Hook.example/own"

// checkOutboxAgainstModel plays random histories of forwarding on a store and on the model and compares all that can be
// read.
func checkOutboxAgainstModel(t *testing.T, open Opener, replicas bool) {
	dir, histories := t.TempDir(), 0
	rapid.Check(t, func(rt *rapid.T) {
		histories++
		r := &run{env: newEnv(t, filepath.Join(dir, strconv.Itoa(histories)), open)}
		r.replicas = replicas
		h := &outboxHistory{run: r}
		h.start(rt)
		defer func() { _ = errors.Join(r.Close(), os.RemoveAll(r.opts.Dir)) }()
		actions := map[string]func(){
			"": h.compareOutbox, "accept": h.accept, "work": h.work, "result": h.resultOne, "due": h.applyDue, "claim": h.claim, "claim2": h.claim,
			"settle": h.settleSome, "settle2": h.settleSome, "again": h.again, "disable": h.disable, "enable": h.enable, "cancel": h.cancelOne,
			"replay": h.replaySome, "wait": h.wait, "restart": h.restartOutbox, "prune": h.prune,
		}
		steps := map[string]func(*rapid.T){}
		for name, act := range actions {
			steps[name] = func(rt *rapid.T) { r.T, r.reporter = rt, rt; act() }
		}
		rt.Repeat(steps)
		r.T, r.reporter = rt, rt
		h.compareOutbox()
	})
}

func (h *outboxHistory) start(rt *rapid.T) {
	h.T, h.reporter = rt, rt
	h.opts.Catalog = ledger.NewCatalog([]ledger.Target{{
		Name: people, Lane: lane, ResultTimeout: timeout,
		Forward: []ledger.Outlet{{Destination: crm, Failures: true}, {Destination: lake, Cached: true}},
	}}, map[ledger.LaneID]ledger.Pace{lane: {PerSecond: 1000, Burst: 1000}, ledger.Outgoing(lake).Lane(): {PerSecond: 1, Burst: 2}})
	h.clock.Advance(-h.clock.Now().Sub(h.clock.Now().Truncate(time.Microsecond)))
	h.opts.Volatile = true
	h.Store = h.open(h.test, h.opts)
	h.loads = []ledger.LoadID{0}
	h.model = newMemory(h.opts.Catalog)
	h.model.now = h.clock.Now()
}

func (h *outboxHistory) accept() {
	subs := make([]ledger.Submission, rapid.IntRange(1, 3).Draw(h.T, "how many"))
	for i := range subs {
		subs[i] = h.sub(people, func(s *ledger.Submission) {
			if n := rapid.IntRange(0, 2).Draw(h.T, "key"); n > 0 {
				s.Key = ledger.Digest{byte(n)}
			}
			if rapid.IntRange(0, 3).Draw(h.T, "fresh") > 0 { // of one key several records are under way
				s.MaxAge, s.Await = new(time.Duration), rapid.Bool().Draw(h.T, "await")
			}
			if rapid.IntRange(0, 3).Draw(h.T, "hook") == 0 {
				s.CallbackURL = hook
			}
		})
	}
	h.acceptBoth(subs)
}

// work sends what waits, and lets most of it end.
func (h *outboxHistory) work() {
	for _, c := range h.claimBoth(ledger.Want{Lane: lane, Max: 3}).Work {
		switch rapid.IntRange(0, 3).Draw(h.T, "ends") {
		case 0:
			h.change(ledger.Entry{Record: c.Record.ID, Event: answerOf(c.Record.Attempts, ledger.Rejected)})
		case 1:
			h.change(ledger.Entry{Record: c.Record.ID, Event: answerOf(c.Record.Attempts, ledger.Accepted)})
		default:
			h.change(ledger.Entry{Record: c.Record.ID, Event: ledger.Result{Attempt: 1, Fields: []byte(`{"title":"Countess"}`)}})
		}
	}
}

func (h *outboxHistory) destination() string {
	return rapid.SampledFrom([]string{crm, lake, ledger.CallbackHost(hook)}).Draw(h.T, "destination")
}

// claim claims from both. Of deliveries that are due alike the store may choose.
func (h *outboxHistory) claim() {
	want := ledger.Outgoings{Destination: h.destination(), Max: rapid.IntRange(0, 4).Draw(h.T, "max")}
	got, err := h.ClaimOutbox(h.Context(), want)
	h.must(err)
	may := h.model.claimable(want.Destination)
	n, claim := h.model.claimOutbox(want)
	if len(got.Work) != n {
		h.T.Fatalf("claiming %+v: %d deliveries, the model has %d", want, len(got.Work), n)
	}
	var chosen []*memoryDelivery
	for _, d := range got.Work {
		i := slices.IndexFunc(may, func(m *memoryDelivery) bool { return !slices.Contains(chosen, m) && sameDelivery(m.Delivery, d) })
		if i < 0 {
			h.T.Fatalf("claiming %+v: nobody may have %+v", want, d)
		}
		chosen = append(chosen, may[i])
		h.under = append(h.under, underWay{d.Seq, may[i]})
	}
	for i, d := range may[:n] { // the longest waiting first
		if !slices.ContainsFunc(chosen, func(c *memoryDelivery) bool { return c.dueAt.Equal(d.dueAt) }) {
			h.T.Fatalf("claiming %+v: number %d has waited longer than some that were taken", want, i)
		}
	}
	if wait := claim(chosen); wait != got.Wait {
		h.T.Fatalf("claiming %+v: wait %s, the model says %s", want, got.Wait, wait)
	}
	h.oneAtATime(want.Destination)
}

// sameDelivery compares what the store and the model have, but for the number, which is the store's own.
func sameDelivery(m, d ledger.Delivery) bool {
	m.Seq, m.SinceClaim, d.SinceClaim = d.Seq, 0, 0
	return gocmp.Equal(m, d)
}

// oneAtATime holds the model, which the store was held to, to what is promised.
func (h *outboxHistory) oneAtATime(destination string) {
	under := map[ledger.Digest]int{}
	for _, d := range h.model.outbox {
		if d.Destination == destination && d.claimed() && !d.Dead {
			if under[d.Order]++; under[d.Order] > 1 {
				h.T.Fatalf("two deliveries of %x are under way to %s", d.Order, destination)
			}
		}
	}
}

// settleSome says of some deliveries how they went, also of some that were settled before.
func (h *outboxHistory) settleSome() {
	if len(h.under) == 0 {
		return
	}
	outcomes := []ledger.DeliveryOutcome{
		ledger.Delivered, ledger.Delivered, ledger.Delivered, ledger.Skipped, ledger.NotTaken, ledger.Unreachable, ledger.Undelivered, ledger.Gone, ledger.Unsettled,
	}
	u := h.under[rapid.IntRange(0, len(h.under)-1).Draw(h.T, "which")]
	outcome := rapid.SampledFrom(outcomes).Draw(h.T, "outcome")
	if last := h.under[len(h.under)-1]; rapid.Bool().Draw(h.T, "the last") {
		u = last
	}
	a := ledger.DeliveryAnswer{Seq: u.seq, Outcome: outcome, Jitter: 0.5}
	switch outcome {
	case ledger.Delivered:
		if row := h.model.rows[u.model.Record]; row != nil {
			a.Revision = row.Revision // it was sent as it stands
		}
	case ledger.Unsettled, ledger.Skipped:
	default:
		a.Status, a.Reason = 500, "because "+string(outcome)
		a.RetryAfter = rapid.SampledFrom([]time.Duration{0, 0, time.Minute}).Draw(h.T, "asked")
	}
	h.must(h.SettleOutbox(h.Context(), u.model.Destination, []ledger.DeliveryAnswer{a}))
	if slices.Contains(h.model.outbox, u.model) {
		h.model.settle(u.model, a)
	}
}

func (h *outboxHistory) again() {
	what := ledger.Redelivery{Destination: rapid.SampledFrom([]string{"", crm, lake}).Draw(h.T, "only to")}
	if what.Dead = rapid.Bool().Draw(h.T, "what was given up"); !what.Dead {
		what.Records = []ledger.RecordID{h.any(), h.any()}
	}
	got, err := h.Redeliver(h.Context(), what)
	n, kind := h.model.redeliver(what)
	if got != n || kind == "" && err != nil || kind != "" && (err == nil || ledger.KindOf(err) != kind) {
		h.T.Fatalf("redelivering %+v: %d (%v), the model says %d (%s)", what, got, err, n, kind)
	}
}

func (h *outboxHistory) disable() {
	name := h.destination()
	h.must(h.Disable(h.Context(), name, "so"))
	h.model.disabled[name] = cmp.Or(h.model.disabled[name], "so")
}

func (h *outboxHistory) enable() {
	name := h.destination()
	h.must(h.Enable(h.Context(), name))
	delete(h.model.disabled, name)
}

// restartOutbox starts the process anew: whatever was under way goes again at once.
func (h *outboxHistory) restartOutbox() {
	if rapid.IntRange(0, 4).Draw(h.T, "spared") > 0 {
		return // opening a ledger takes longer than all else
	}
	h.reopen()
	if h.replicas {
		return
	}
	for _, id := range h.all {
		if h.model.rows[id].State == ledger.Sending {
			h.model.change(id, ledger.Tick{Orphaned: true}, ledger.Digest{})
		}
	}
	for _, d := range h.model.outbox {
		if d.claimed() {
			d.claimedAt, d.dueAt = time.Time{}, atOnce
		}
	}
}

// compareOutbox compares all that can be read of the outbox, after some of the steps.
func (h *outboxHistory) compareOutbox() {
	h.compareNow()
	got, err := h.Destinations(h.Context())
	h.must(err)
	if diff := gocmp.Diff(h.model.destinations(), got); diff != "" {
		h.T.Fatalf("destinations: -model +store\n%s", diff)
	}
	hosts, err := h.CallbackHosts(h.Context())
	h.must(err)
	if diff := gocmp.Diff(h.model.hosts(), hosts); diff != "" {
		h.T.Fatalf("hosts: -model +store\n%s", diff)
	}
	h.compareDead()
}

func (h *outboxHistory) compareDead() {
	var want, got []string
	for _, d := range h.model.outbox {
		if d.Dead {
			want = append(want, deadLetter(d.Delivery))
		}
	}
	dead, err := h.Undelivered(h.Context(), "", 10_000)
	h.must(err)
	for _, d := range dead {
		got = append(got, deadLetter(d))
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := gocmp.Diff(want, got); diff != "" {
		h.T.Fatalf("given up: -model +store\n%s", diff)
	}
}

func deadLetter(d ledger.Delivery) string {
	return strings.Join([]string{d.Destination, d.Record.String(), string(d.Event), strconv.Itoa(d.Revision), strconv.Itoa(d.Tries), d.Reason}, " ")
}
