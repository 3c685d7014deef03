package ledgertest

import (
	"bytes"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

var keepTests = map[string]func(*env){
	"secrets":             keepSecrets,
	"secrets that change": keepRotated,
	"binding":             keepBinding,
	"loads":               keepLoads,
	"pauses":              keepPauses,
	"closing":             keepClosing,
}

func keepSecrets(e *env) {
	secret := func(name string) []byte {
		got, err := e.Secret(e.Context(), name)
		e.must(err)
		if len(got) != 32 || bytes.Equal(got, make([]byte, 32)) {
			e.Errorf("the secret %s is %x", name, got)
		}
		return got
	}
	ticket, dedupe := secret("ticket"), secret("dedupe")
	if bytes.Equal(ticket, dedupe) {
		e.Error("two secrets are the same")
	}
	e.reopen()
	if !bytes.Equal(ticket, secret("ticket")) {
		e.Error("a secret changed")
	}
}

// A ledger can be tied anew until something of it may be at the Clay that it is tied to; the emulator's never becomes a
// real one's.
func keepBinding(e *env) {
	e.must(e.Bind(e.Context(), "the emulator"))
	e.must(e.Bind(e.Context(), "https://api.caly.com")) // mistyped
	e.must(e.Bind(e.Context(), "https://api.caly.com"))
	e.accept(e.sub(people))
	e.answer(e.claim(1)[0], ledger.Refused)
	e.must(e.Resume(e.Context(), people))
	e.must(e.Bind(e.Context(), "https://api.clay.com"))
	e.reopen()
	e.wantKind(ledger.Foreign, e.Bind(e.Context(), "the emulator"))
	e.answer(e.claim(1)[0], ledger.Accepted)
	e.wantKind(ledger.Foreign, e.Bind(e.Context(), "https://api.caly.com"))
	e.must(e.Bind(e.Context(), "https://api.clay.com"))
}

func keepLoads(e *env) {
	of := func(target, name string, fresh bool) ledger.LoadID {
		id, err := e.Load(e.Context(), ledger.Load{Target: target, Name: name, Fresh: fresh})
		e.must(err)
		return id
	}
	a := of(people, "a.csv", false)
	for name, other := range map[string]ledger.LoadID{
		"another name": of(people, "b.csv", false), "another target": of(firms, "a.csv", false), "none": 0,
	} {
		if other == a {
			e.Errorf("%s is the same load", name)
		}
	}
	e.reopen()
	e.same(a, of(people, "a.csv", false))
	load, err := e.LoadOf(e.Context(), a)
	e.must(err)
	e.same(ledger.Load{Target: people, Name: "a.csv"}, load)
	_, err = e.LoadOf(e.Context(), 999)
	e.wantKind(ledger.NotFound, err)
	fresh := of(people, "a.csv", true)
	if fresh == a {
		e.Error("a fresh load is the former one")
	}
	e.same(fresh, of(people, "a.csv", false))
}

func keepPauses(e *env) {
	changed, cancel := e.hub.Subscribe(ledger.Pauses)
	defer cancel()
	e.must(e.Resume(e.Context(), people)) // resuming what was not paused does nothing
	e.must(e.Pause(e.Context(), people, ledger.Pause{Reason: "one", Status: 402}))
	e.woken(changed)
	e.must(e.Pause(e.Context(), people, ledger.Pause{Reason: "two"}))
	e.same(ledger.Pause{Reason: "two"}, e.status(people).Paused)
	e.same(ledger.Pause{}, e.status(firms).Paused)
}

func keepClosing(e *env) {
	r := e.accept(e.sub(people))[0]
	for range 2 {
		e.must(e.Close())
	}
	_, err := e.Accept(e.Context(), []ledger.Submission{e.sub(people)})
	e.wantKind(ledger.Unavailable, err)
	_, err = e.Claim(e.Context(), ledger.Want{Lane: lane, Max: 1})
	e.wantKind(ledger.Unavailable, err)
	_, err = e.Apply(e.Context(), []ledger.Entry{{Record: r.ID, Event: ledger.Tick{}}})
	e.wantKind(ledger.Unavailable, err)
	_, err = e.Records(e.Context(), []ledger.RecordID{r.ID})
	e.wantKind(ledger.Unavailable, err)
	_, err = e.TargetStatus(e.Context(), people)
	e.wantKind(ledger.Unavailable, err)
	_, _, err = e.Due(e.Context(), 1)
	e.wantKind(ledger.Unavailable, err)
	e.wantKind(ledger.Unavailable, e.Bind(e.Context(), "x"))
	e.Store = e.open(e.test, e.opts)
	e.wantStates([]ledger.State{ledger.Queued}, r.ID)
}

func keepRotated(e *env) {
	first, err := e.Secret(e.Context(), "ticket")
	e.must(err)
	_, err = e.Secret(e.Context(), "tickets") // of another name
	e.must(err)
	var made [][]byte
	for range 2 {
		e.clock.Advance(time.Hour)
		e.must(e.Rotate(e.Context(), "ticket"))
		all, err := e.Secrets(e.Context(), "ticket")
		e.must(err)
		made = append(made, all[0].Value)
	}
	e.clock.Advance(time.Minute)
	e.reopen()
	all, err := e.Secrets(e.Context(), "ticket")
	e.must(err)
	e.same([][]byte{made[1], made[0], first}, [][]byte{all[0].Value, all[1].Value, all[2].Value})
	e.same([]any{3, time.Minute, time.Hour + time.Minute}, []any{len(all), all[0].Age, all[1].Age})
	still, err := e.Secret(e.Context(), "ticket")
	e.must(err)
	e.same(first, still)
}
