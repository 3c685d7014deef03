package ledgertest

import (
	"strings"

	"github.com/claygate/claygate/internal/ledger"
)

// configure makes the ledger work by the targets.
func (e *env) configure(targets ...ledger.Target) {
	e.Helper()
	e.must(e.Configure(e.Context(), ledger.NewCatalog(targets, map[ledger.LaneID]ledger.Pace{lane: {PerSecond: 10, Burst: 10}})))
}

// told returns what was announced about targets.
func (e *env) told() string {
	e.Helper()
	notices, err := e.Notices(e.Context(), 0, 100)
	e.must(err)
	var told []string
	for _, n := range notices {
		if n.Target != "" && n.Record == (ledger.RecordID{}) {
			told = append(told, string(n.Kind)+" "+n.Target)
		}
	}
	return strings.Join(told, ", ")
}

// A target that goes keeps its records as they are, and goes on with them when it comes back. The others go on meanwhile.
func applyConfigure(e *env) {
	sent, queued := e.sent(people), e.accept(e.sub(people))[0]
	other := e.accept(e.sub(firms))[0]
	e.result(e.sent(routine).Record.ID, `{"a":1}`)
	woken, cancel := e.hub.Subscribe(lane)
	defer cancel()
	e.configure(ledger.Target{Name: firms, Lane: lane})
	e.same(true, len(woken) > 0)
	names, err := e.Targets(e.Context())
	e.must(err)
	e.same([]string{firms, people, routine}, names)
	e.same([]ledger.RecordID{other.ID}, ids(e.claim(5)))
	e.result(sent.Record.ID, `{"title":"Countess"}`)
	e.wantStates([]ledger.State{ledger.Done, ledger.Queued}, sent.Record.ID, queued.ID)
	_, err = e.Accept(e.Context(), []ledger.Submission{e.sub(people)})
	e.wantKind(ledger.NotFound, err)
	e.same(ledger.Counts{"done": 1, "queued": 1, ledger.CountSent: 1}, e.status(people).Counts)
	e.same("target.removed people", e.told()) // routine has no record left that waits
	e.configure(ledger.Target{Name: people, Lane: lane, Version: "2"}, ledger.Target{Name: routine, Lane: lane})
	e.same([]ledger.RecordID{queued.ID}, ids(e.claim(5)))
	e.same("target.removed people, target.removed firms, target.returned people", e.told())
}
