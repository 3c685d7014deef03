package ledgertest

import (
	"slices"
	"sync"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

var moneyTests = map[string]func(*env){
	"10 of 50":                        moneyExactly,
	"the window turns":                moneyWindows,
	"what was not sent is given back": moneyGivenBack,
	"a key holds nobody else back":    moneyOfKeys,
	"a target holds nobody else back": moneyOfTargets,
	"turned away":                     moneyRefused,
	"a raised budget":                 moneyRaised,
	"calls that are passed through":   moneyCharged,
	"usage":                           moneyUsage,
	"told once":                       moneyTold,
	"runs":                            moneyOfRuns,
	"a workspace is stopped":          moneyStopOne,
}

func records(n int64) ledger.Cost { return ledger.Cost{Records: n} }

// budget makes the ledger work by budgets of the main workspace, and of people's target.
func (e *env) budget(b ledger.Budgets, of ledger.Budget) {
	e.Helper()
	e.must(e.Configure(e.Context(), ledger.NewCatalog([]ledger.Target{
		{Name: people, Lane: lane, ResultTimeout: timeout, Cost: ledger.Cost{Actions: 1000, Credits: 2500}, Budget: of},
		{Name: firms, Lane: lane, ResultTimeout: timeout},
		{Name: worker, Lane: apiLane, Runs: &ledger.RunPolicy{BulkFrom: -1, Linger: -1}},
	}, map[ledger.LaneID]ledger.Pace{lane: {PerSecond: 1000, Burst: 1000}, apiLane: {PerSecond: 1000, Burst: 1000}}).WithBudgets(b)))
}

func workspaceBudget(b ledger.Budget) ledger.Budgets {
	return ledger.Budgets{Workspaces: map[string]ledger.Budget{ledger.MainWorkspace: b}}
}

func byKey(key string) func(*ledger.Submission) {
	return func(s *ledger.Submission) { s.APIKey = key }
}

func (e *env) submissions(n int, target string, change ...func(*ledger.Submission)) (subs []ledger.Submission) {
	for range n {
		subs = append(subs, e.sub(target, change...))
	}
	return subs
}

// noon moves the clock to noon of its day in UTC, so that a test knows how long the day still lasts.
func (e *env) noon() {
	now := e.clock.Now().UTC()
	e.clock.Advance(time.Date(now.Year(), now.Month(), now.Day(), 12, 0, 0, 0, time.UTC).Sub(now))
}

// A budget that is looked at by one call and taken from by another is overdrawn when many come at once.
func moneyExactly(e *env) {
	e.budget(workspaceBudget(ledger.Budget{Day: records(10)}), ledger.Budget{})
	var wg sync.WaitGroup
	claimed := make(chan int, 50)
	for i := range 50 {
		target := []string{people, firms, worker}[i%3]
		wg.Go(func() {
			if _, err := e.Accept(e.Context(), []ledger.Submission{e.sub(target)}); err != nil {
				e.Error(err)
			}
			on := map[bool]ledger.LaneID{true: apiLane, false: lane}[target == worker]
			for range 3 { // also when another has left more than one
				got, err := e.Claim(e.Context(), ledger.Want{Lane: on, Max: 5})
				if err != nil {
					e.Error(err)
				}
				claimed <- len(got.Work)
			}
		})
	}
	go func() { wg.Wait(); close(claimed) }()
	n := 0
	for got := range claimed {
		n += got
	}
	e.same(10, n)
	e.wantSpent(10)
}

// spent returns how many records the first account has paid for today, and this month.
func (e *env) spent() (day, month int) {
	e.Helper()
	all, err := e.Standings(e.Context())
	e.must(err)
	if len(all) == 0 {
		e.Fatal("there is no account")
	}
	return int(all[0].Spent.Day.Records), int(all[0].Spent.Month.Records)
}

func (e *env) wantSpent(today int) {
	e.Helper()
	day, _ := e.spent()
	e.same(today, day)
}

func moneyWindows(e *env) {
	e.noon() // the 3rd of February
	e.budget(workspaceBudget(ledger.Budget{Day: records(3), Month: records(5)}), ledger.Budget{})
	e.accept(e.submissions(9, firms)...)
	e.same(3, len(e.claim(9)))
	got := e.claims(ledger.Want{Lane: lane, Max: 9})
	e.same(ledger.Claims{Wait: 12 * time.Hour}, got)
	e.clock.Advance(12*time.Hour - time.Microsecond)
	e.same(0, len(e.claim(9)))
	e.clock.Advance(time.Microsecond)
	e.same(2, len(e.claim(9)))
	got = e.claims(ledger.Want{Lane: lane, Max: 9})
	e.same(ledger.Claims{Wait: 25 * 24 * time.Hour}, got) // until March
	e.clock.Advance(25 * 24 * time.Hour)
	e.same(3, len(e.claim(9)))
}

func moneyGivenBack(e *env) {
	e.budget(workspaceBudget(ledger.Budget{Day: records(7)}), ledger.Budget{})
	e.accept(e.submissions(7, firms)...)
	work := e.claim(9)
	e.same(7, len(work))
	free := []ledger.Verdict{ledger.Unsent, ledger.Throttled, ledger.Rejected, ledger.Refused}
	for i, verdict := range free {
		for range 2 { // a repeated answer gives back once
			e.answer(work[i], verdict)
		}
		e.wantSpent(6 - i)
	}
	for i, verdict := range []ledger.Verdict{ledger.Accepted, ledger.Failed, ledger.Doubtful} {
		e.answer(work[len(free)+i], verdict)
	}
	e.wantSpent(3)
	e.answer(work[6], ledger.Unsent) // the late answer of the one whose fate was not known
	e.wantSpent(2)
	e.same(records(1), e.record(work[4].Record.ID).Spent)
	e.same(ledger.Cost{}, e.record(work[0].Record.ID).Spent)
}

// One key's spent budget kept those from being sent whose records waited behind it.
func moneyOfKeys(e *env) {
	e.noon()
	e.budget(ledger.Budgets{Keys: map[string]ledger.Budget{"key_a": {Day: records(2)}}}, ledger.Budget{})
	dear := e.accept(e.submissions(300, people, byKey("key_a"), priority(1))...)
	others := e.accept(e.sub(people, byKey("key_b")), e.sub(people))
	var got []ledger.RecordID
	for range 10 {
		got = append(got, ids(e.claim(2))...)
	}
	e.same([]ledger.RecordID{dear[0].ID, dear[1].ID, others[0].ID, others[1].ID}, got)
	held := e.record(dear[5].ID)
	if held.State != ledger.Queued || held.Attempts != 0 || held.Tries != 0 || held.Reason == "" {
		e.Errorf("the record is %+v, want it queued as it was, with a reason", held)
	}
	for _, id := range others {
		e.same(id.APIKey, e.record(id.ID).APIKey)
	}
	e.clock.Advance(12 * time.Hour)
	e.same(2, len(e.claim(5)))
}

func moneyOfTargets(e *env) {
	e.budget(ledger.Budgets{}, ledger.Budget{Day: ledger.Cost{Credits: 5000}}) // two of 2.5
	e.accept(e.submissions(6, people)...)
	e.accept(e.submissions(6, firms)...)
	seen := map[string]int{}
	for range 8 {
		for _, c := range e.claim(2) {
			seen[c.Record.Target]++
		}
	}
	e.same(map[string]int{people: 2, firms: 6}, seen)
	status := e.status(people)
	if status.Short == nil || status.Short.Meter != ledger.MeterCredits || status.Short.Of != ledger.OfTarget {
		e.Errorf("the target's budget is %+v, want it short of data credits", status.Short)
	}
	e.same((*ledger.Short)(nil), e.status(firms).Short)
}

func moneyRefused(e *env) {
	e.noon()
	e.budget(workspaceBudget(ledger.Budget{Day: records(1), Refuses: true}), ledger.Budget{})
	e.accept(e.sub(people, keyed(1), once(1, 1)))
	work := e.claim(1)
	e.result(work[0].Record.ID, `{"title":"Countess"}`)
	got := e.acceptOne(e.sub(people))
	e.wantKind(ledger.Overdrawn, got.Err)
	if refused, ok := got.Err.(*ledger.Error); ok {
		e.same(12*time.Hour, refused.RetryAfter)
	}
	e.same(ledger.Done, e.acceptOne(e.sub(people, keyed(1))).Record.State)  // the cache costs nothing
	e.same(true, e.acceptOne(e.sub(people, keyed(1), once(1, 1))).Repeated) // nor does a repeat
	e.clock.Advance(12 * time.Hour)
	e.same(ledger.Queued, e.acceptOne(e.sub(people)).Record.State)
}

func moneyRaised(e *env) {
	e.budget(workspaceBudget(ledger.Budget{Day: records(1)}), ledger.Budget{})
	e.accept(e.submissions(4, firms)...)
	e.same(1, len(e.claim(9)))
	changed, cancel := e.hub.Subscribe(lane)
	defer cancel()
	e.budget(workspaceBudget(ledger.Budget{Day: records(3)}), ledger.Budget{})
	e.woken(changed)
	e.same(2, len(e.claim(9)))
}

func moneyCharged(e *env) {
	e.noon()
	e.budget(workspaceBudget(ledger.Budget{Day: records(10)}), ledger.Budget{})
	call := ledger.Charge{Workspace: ledger.MainWorkspace, APIKey: "key_a", Items: 7}
	paid, err := e.Charge(e.Context(), call)
	e.must(err)
	_, err = e.Charge(e.Context(), call)
	e.wantKind(ledger.Overdrawn, err)
	call.Items, call.Target = 3, people
	_, err = e.Charge(e.Context(), call)
	e.must(err)
	_, err = e.Charge(e.Context(), call)
	e.wantKind(ledger.Overdrawn, err)
	e.clock.Advance(24 * time.Hour)
	e.must(e.Refund(e.Context(), paid)) // of the day before
	day, month := e.spent()
	e.same([]int{0, 3}, []int{day, month})
}

func moneyUsage(e *env) {
	e.noon()
	e.budget(ledger.Budgets{}, ledger.Budget{})
	e.accept(e.sub(people, keyed(1), byKey("key_a")), e.sub(people, keyed(1), byKey("key_b")), e.sub(firms))
	for _, c := range e.claim(5) {
		if c.Record.Target == firms {
			e.answer(c, ledger.Failed) // it may have left a row
		} else {
			e.result(c.Record.ID, `{"title":"Countess"}`)
		}
	}
	e.clock.Advance(24 * time.Hour)
	e.accept(e.sub(people, keyed(1)))
	e.same(1, len(e.claim(5)))
	e.reopen()
	each := ledger.Cost{Records: 1, Actions: 1000, Credits: 2500}
	row := func(day, target, key string, u ledger.Usage) ledger.UsageRow {
		return ledger.UsageRow{UsageOf: ledger.UsageOf{Day: day, Workspace: ledger.MainWorkspace, Target: target, APIKey: key}, Usage: u}
	}
	want := []ledger.UsageRow{
		row("2026-02-03", firms, "", ledger.Usage{Spent: records(1)}), row("2026-02-03", people, "key_a", ledger.Usage{Spent: each}),
		row("2026-02-03", people, "key_b", ledger.Usage{Saved: each}), row("2026-02-04", firms, "", ledger.Usage{Spent: records(1), Doubled: 1}),
		row("2026-02-04", people, "", ledger.Usage{Saved: each}),
	}
	for _, q := range []ledger.UsageQuery{
		{}, {From: "2026-02-04"}, {To: "2026-02-03"}, {Workspace: "other"}, {Target: people}, {APIKey: "key_a"},
	} {
		got, err := e.Usage(e.Context(), q)
		e.must(err)
		e.same(slices.DeleteFunc(slices.Clone(want), func(r ledger.UsageRow) bool {
			return q.Workspace == "other" || r.Day < q.From || q.To != "" && r.Day > q.To || q.Target != "" && r.Target != q.Target ||
				q.APIKey != "" && r.APIKey != q.APIKey
		}), append([]ledger.UsageRow{}, withoutNothing(got)...))
	}
}

func moneyTold(e *env) {
	e.noon()
	e.budget(workspaceBudget(ledger.Budget{Day: records(1)}), ledger.Budget{})
	e.accept(e.submissions(4, firms)...)
	for range 3 {
		e.claim(2)
	}
	e.same("budget.exhausted firms", e.told())
	e.clock.Advance(24 * time.Hour)
	for range 3 {
		e.claim(2)
	}
	e.same("budget.exhausted firms, budget.exhausted firms", e.told())
}

func moneyOfRuns(e *env) {
	e.budget(ledger.Budgets{
		Workspaces: map[string]ledger.Budget{ledger.MainWorkspace: {Day: records(5)}}, Keys: map[string]ledger.Budget{"key_a": {Day: records(2)}},
	}, ledger.Budget{})
	e.accept(e.submissions(4, worker, byKey("key_a"), priority(1))...)
	e.accept(e.submissions(4, worker)...)
	got := e.claims(ledger.Want{Lane: apiLane, Max: 5})
	e.same(5, len(got.Work))
	e.same(5, got.Run.Size)
	_, err := e.ApplyRun(e.Context(), got.Run.ID, ledger.RunAnswer{Answer: ledger.Answer{
		Outcome: ledger.Answered, Verdict: ledger.Rejected, Status: 400, Reason: "no"}})
	e.must(err)
	e.wantSpent(0)
	again := e.claims(ledger.Want{Lane: apiLane, Max: 5})
	e.same(1, len(again.Work)) // key_a's two are held back for some minutes
	_, err = e.ApplyRun(e.Context(), again.Run.ID, ledger.RunAnswer{Answer: ledger.Answer{Outcome: ledger.Answered, Verdict: ledger.Accepted}, Clay: "run_1"})
	e.must(err)
	_, err = e.ApplyRun(e.Context(), again.Run.ID, ledger.RunFailed{Reason: "not begun", Unworked: true})
	e.must(err)
}

func moneyStopOne(e *env) {
	e.budget(ledger.Budgets{}, ledger.Budget{})
	e.accept(e.sub(firms), e.sub(worker))
	e.must(e.Stop(e.Context(), "other", "unpaid"))
	e.reopen()
	e.budget(ledger.Budgets{}, ledger.Budget{})
	e.same(ledger.Claims{Wait: ledger.Never}, e.claims(ledger.Want{Lane: apiLane, Max: 5})) // "other/api"
	e.same(1, len(e.claim(5)))
	e.must(e.Stop(e.Context(), ledger.Everything, "so"))
	stops, err := e.Stopped(e.Context())
	e.must(err)
	e.same(ledger.Stops{"": "so", "other": "unpaid"}, stops)
	e.must(e.Start(e.Context(), ledger.Everything))
	e.same(0, len(e.claims(ledger.Want{Lane: apiLane, Max: 5}).Work))
	e.must(e.Start(e.Context(), "other"))
	e.same(1, len(e.claims(ledger.Want{Lane: apiLane, Max: 5}).Work))
	e.same("workspace.stopped other/, target.returned worker, workspace.started other/", e.told())
}
