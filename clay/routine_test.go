package clay_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/clay/claytest"
	"github.com/google/go-cmp/cmp"
)

const routine = "function:t_people"

// people are n items to enrich.
func people(n int) []clay.Item {
	items := make([]clay.Item, n)
	for i := range items {
		items[i] = clay.Item{ID: fmt.Sprint("lead-", i), Inputs: row{"Email": fmt.Sprintf("jane.doe%d@acme.com", i)}}
	}
	return items
}

// collect drains an iterator until its end or its error.
func collect[T any](seq func(func(T, error) bool)) (all []T, err error) {
	for v, e := range seq {
		if e != nil {
			return all, e
		}
		all = append(all, v)
	}
	return all, nil
}

// starts counts the runs that were started at Clay.
func starts(s *claytest.Server) int { return s.Stats().Runs }

func TestRoutineEndToEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := emulate(t, claytest.Options{Misses: -1, Seed: 7}, clay.Config{})
		items := people(100)
		run, err := c.Routine(routine).Run(t.Context(), items, clay.RunOptions{})
		if err != nil {
			t.Fatal(err)
		}
		results, err := collect(run.Results(t.Context()))
		if err != nil || len(results) != 100 {
			t.Fatalf("%d results, %v", len(results), err)
		}
		got := map[string]string{}
		for _, r := range results {
			var p clay.Person
			if err := r.Decode(&p); err != nil || r.Failed() {
				t.Errorf("%+v, %v", r, err)
			}
			got[r.ID] = p.Name
		}
		want := map[string]string{}
		for _, it := range items {
			fields, _ := s.Enricher().Person(it.Inputs.(row))
			want[it.ID] = fields["name"].(string)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		// The wait asked once more often than its delay needs, and the page of the
		// last answer was not asked for again.
		if n := requests(s); n > 6 {
			t.Errorf("%d requests for 100 items", n)
		}
	})
}

// Without a limit Clay sends pages of 20.
func TestResultsAlwaysAskForHundred(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limits := map[string]int{}
		never := claytest.Fault{Kind: claytest.Answer, When: func(e claytest.Event) bool {
			if strings.HasSuffix(e.Request.URL.Path, "/results") {
				limits[e.Request.URL.Query().Get("limit")]++
			}
			return false
		}}
		_, c := emulate(t, claytest.Options{Faults: []claytest.Fault{never}}, clay.Config{})
		run, err := c.Routine(routine).Run(t.Context(), people(50), clay.RunOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := collect(run.Results(t.Context())); err != nil {
			t.Fatal(err)
		}
		again := c.Run(run.ID)
		if p, err := again.Page(t.Context(), ""); err != nil || len(p.Results) != 50 || p.Cursor != "" {
			t.Errorf("%d results, cursor %q, %v", len(p.Results), p.Cursor, err)
		}
		if len(limits) != 1 || limits["100"] < 2 {
			t.Errorf("limits %v", limits)
		}
	})
}

// What Clay would refuse, or what would make results that cannot be told apart, costs
// no request.
func TestRunsRefusedBeforeTheyAreSent(t *testing.T) {
	s := claytest.New(t, claytest.Options{InMemory: true})
	c := client(t, s, clay.Config{})
	ok := row{"Email": "a@b.co"}
	for name, tc := range map[string]struct {
		routine string
		items   []clay.Item
		opts    clay.RunOptions
		says    string
	}{
		"no items":         {routine, nil, clay.RunOptions{}, "0 items"},
		"101 items":        {routine, people(101), clay.RunOptions{}, "101 items"},
		"no id":            {routine, []clay.Item{{Inputs: ok}}, clay.RunOptions{}, "item 0"},
		"id of 65":         {routine, []clay.Item{{ID: "1", Inputs: ok}, {ID: strings.Repeat("x", 65), Inputs: ok}}, clay.RunOptions{}, "item 1"},
		"id of 33 pairs":   {routine, []clay.Item{{ID: strings.Repeat("😀", 33), Inputs: ok}}, clay.RunOptions{}, "66 characters"},
		"doubled id":       {routine, []clay.Item{{ID: "x", Inputs: ok}, {ID: "x", Inputs: ok}}, clay.RunOptions{}, `"x" occurs twice`},
		"inputs an array":  {routine, []clay.Item{{ID: "x", Inputs: []int{1}}}, clay.RunOptions{}, `item 0 ("x")`},
		"no inputs":        {routine, []clay.Item{{ID: "x"}}, clay.RunOptions{}, "not a JSON object"},
		"inputs a channel": {routine, []clay.Item{{ID: "x", Inputs: row{"a": make(chan int)}}}, clay.RunOptions{}, "chan"},
		"no routine":       {"", people(1), clay.RunOptions{}, "routine's id"},
		"dots":             {"..", people(1), clay.RunOptions{}, "routine's id"},
		"long routine":     {"function:" + strings.Repeat("x", 56), people(1), clay.RunOptions{}, "65 characters"},
		"long webhook":     {routine, people(1), clay.RunOptions{WebhookID: strings.Repeat("x", 65)}, "webhook"},
	} {
		for _, start := range []func(context.Context, []clay.Item, clay.RunOptions) (*clay.Run, error){c.Routine(tc.routine).Run, c.Routine(tc.routine).RunOnce} {
			_, err := start(t.Context(), tc.items, tc.opts)
			if e := failed(t, err, clay.KindInvalid); e.MayDuplicate() || !strings.Contains(err.Error(), tc.says) || e.Hint == "" {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	keyless, err := clay.New(clay.Config{WebhookURL: s.WebhookURL("x")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = keyless.Routine(routine).Run(t.Context(), people(1), clay.RunOptions{})
	failed(t, err, clay.KindConfig)
	_, err = keyless.Routine(routine).RunOnce(t.Context(), people(1), clay.RunOptions{})
	failed(t, err, clay.KindConfig)
	_, err = keyless.Me(t.Context())
	if failed(t, err, clay.KindConfig); requests(s) != 0 {
		t.Errorf("%d requests", requests(s))
	}
}

func TestRunTakesIDsOf64Characters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := emulate(t, claytest.Options{}, clay.Config{})
		_, err := c.Routine(routine).Run(t.Context(), []clay.Item{{ID: strings.Repeat("é", 64), Inputs: row{}}}, clay.RunOptions{})
		if err != nil {
			t.Error(err)
		}
	})
}

// A start costs, and Clay has no idempotency key: it is repeated only when it surely
// did not arrive. The routine column of the outcome table.
func TestStartsAreRepeatedOnlyWhenSurelyNotSent(t *testing.T) {
	for name, tc := range map[string]struct {
		fault     claytest.Fault
		kind      clay.Kind // 0: succeeds at the third try
		duplicate bool
	}{
		"answer lost":    {claytest.Fault{Kind: claytest.DropAfter}, clay.KindUnknown, true},
		"silence":        {claytest.Fault{Kind: claytest.DropBefore}, clay.KindUnknown, true},
		"502 afterwards": {claytest.Fault{Kind: claytest.AnswerAfter, Status: []int{502}}, clay.KindUnknown, true},
		"504":            {answer(2, nil, 504), clay.KindUnknown, true},
		"408":            {answer(2, nil, 408), clay.KindUnknown, true},
		"524":            {answer(2, nil, 524), clay.KindUnknown, true},
		"500":            {answer(2, nil, 500), clay.KindUnavailable, true},
		"503":            {answer(2, []string{}, 503), clay.KindUnavailable, true},
		"garbage 202":    {claytest.Fault{Kind: claytest.AnswerAfter, Status: []int{202}, Body: "<html>"}, clay.KindUnknown, true},
		"202 without id": {claytest.Fault{Kind: claytest.AnswerAfter, Status: []int{202}, Body: `{"status":"in_progress"}`}, clay.KindUnknown, true},
		"400":            {answer(2, nil, 400), clay.KindInvalid, false},
		"401":            {answer(2, nil, 401), clay.KindUnauthorized, false},
		"402":            {answer(2, nil, 402), clay.KindPaymentRequired, false},
		"403":            {answer(2, nil, 403), clay.KindForbidden, false},
		"404":            {answer(2, nil, 404), clay.KindNotFound, false},
		"413":            {answer(2, nil, 413), clay.KindInvalid, false},
		"422":            {answer(2, nil, 422), clay.KindInvalid, false},
		"302":            {answer(2, nil, 302), clay.KindRedirect, false},
		"429":            {answer(2, []string{"3"}, 429), 0, false},
		"503 with hint":  {answer(2, []string{"3"}, 503), 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, c := emulate(t, claytest.Options{Faults: []claytest.Fault{tc.fault}}, clay.Config{})
				run, err := c.Routine(routine).Run(t.Context(), people(1), clay.RunOptions{})
				if tc.kind == 0 {
					if err != nil || requests(s) != 3 || starts(s) != 1 || run.ID == "" {
						t.Errorf("%d requests, %v", requests(s), err)
					}
					return
				}
				e := failed(t, err, tc.kind)
				if requests(s) != 1 || starts(s) > 1 || e.MayDuplicate() != tc.duplicate || e.Hint == "" {
					t.Errorf("%d requests, may duplicate %t: %v", requests(s), e.MayDuplicate(), err)
				}
				if tc.duplicate != strings.Contains(e.Hint, "may have started") {
					t.Errorf("hint %q", e.Hint)
				}
				if strings.Contains(err.Error(), apiKey) {
					t.Errorf("the key shows: %v", err)
				}
				_, err = c.Routine(routine).RunOnce(t.Context(), people(1), clay.RunOptions{})
				if tc.fault.Count == 0 {
					failed(t, err, tc.kind)
				}
			})
		})
	}
}

// Over a thousand answers that are lost, not one start is made twice.
func TestThousandLostAnswersRepeatNoStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lost := claytest.Fault{Kind: claytest.DropAfter, Path: "/run"}
		s, c := emulate(t, claytest.Options{Faults: []claytest.Fault{lost}, PublicAPI: claytest.PublicAPI{PerSecond: -1, Credits: -1}}, clay.Config{PublicAPIPacer: clay.NewPacer(-1, 0)})
		for i := range 1000 {
			_, err := c.Routine(routine).Run(t.Context(), people(1), clay.RunOptions{})
			if e := failed(t, err, clay.KindUnknown); !e.MayDuplicate() || starts(s) != i+1 {
				t.Fatalf("%d starts after %d calls: %v", starts(s), i+1, err)
			}
		}
	})
}

// A start whose caller left after it was written is not repeated, and says so.
func TestCancelledStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := emulate(t, claytest.Options{Faults: []claytest.Fault{{Kind: claytest.SlowAnswer, Latency: time.Minute}}}, clay.Config{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := c.Routine(routine).Run(ctx, people(1), clay.RunOptions{})
		if e := failed(t, err, clay.KindUnknown); !e.MayDuplicate() || !errors.Is(err, context.DeadlineExceeded) || starts(s) != 1 {
			t.Error(err)
		}
		gone, leave := context.WithCancel(t.Context())
		leave()
		_, err = c.Routine(routine).Run(gone, people(1), clay.RunOptions{})
		if e := failed(t, err, clay.KindNotSent); e.MayDuplicate() || !errors.Is(err, context.Canceled) || starts(s) != 1 {
			t.Error(err)
		}
	})
}

// Whatever may pass is asked again when only results are asked for.
func TestPollsAreRepeated(t *testing.T) {
	for name, fault := range map[string]claytest.Fault{
		"silence": {Kind: claytest.DropBefore}, "lost": {Kind: claytest.DropAfter}, "500": {Kind: claytest.Answer, Status: []int{500}},
		"504": {Kind: claytest.Answer, Status: []int{504}}, "429": {Kind: claytest.Answer, Status: []int{429}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fault.Count, fault.Path = 3, "/results"
				_, c := emulate(t, claytest.Options{Faults: []claytest.Fault{fault}}, clay.Config{})
				run, err := c.Routine(routine).Run(t.Context(), people(3), clay.RunOptions{})
				if err != nil {
					t.Fatal(err)
				}
				if all, err := collect(run.Results(t.Context())); err != nil || len(all) != 3 {
					t.Errorf("%d results, %v", len(all), err)
				}
			})
		})
	}
}

func TestItemsFailOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := emulate(t, claytest.Options{Misses: 1, PublicAPI: claytest.PublicAPI{Failures: 0.3, Credits: 90}}, clay.Config{})
		run, err := c.Routine(routine).Run(t.Context(), people(100), clay.RunOptions{})
		if err != nil {
			t.Fatal(err)
		}
		all, err := collect(run.Results(t.Context()))
		if err != nil || len(all) != 100 {
			t.Fatal(len(all), err)
		}
		kinds := map[string]int{}
		for _, r := range all {
			if r.Failed() != (r.Result == nil) || r.Failed() != (r.Message != "") {
				t.Errorf("%+v", r)
			}
			kinds[r.Status+" "+r.Message]++
		}
		if len(kinds) != 3 || kinds["failed Not enough credits"] != 10 {
			t.Errorf("%v", kinds)
		}
		b, err := c.Credits(t.Context())
		if err != nil || b.Credits != 0 || b.Actions == nil || *b.Actions != 0 {
			t.Errorf("%+v, %v", b, err)
		}
	})
}

// A status nobody documented is an end, and is told as it is.
func TestUnknownTerminalStatusIsSurfaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		canceled := claytest.Fault{Kind: claytest.Answer, Path: "/results", Status: []int{200}, Body: `{"routine_run_id":"run_x","status":"canceled_by_user","error":"stopped","more":[1]}`}
		s, c := emulate(t, claytest.Options{Faults: []claytest.Fault{canceled}}, clay.Config{})
		for _, run := range []*clay.Run{c.Run("run_x"), c.BulkRun("run_x")} {
			before := requests(s)
			p, err := run.Wait(t.Context(), clay.WaitOptions{})
			e := failed(t, err, clay.KindRunFailed)
			var end *clay.RunError
			if !errors.As(err, &end) || end.Status != "canceled_by_user" || !strings.Contains(end.Message, "stopped") || end.RunID != "run_x" || !p.Done() || e.MayDuplicate() {
				t.Errorf("%+v, %v", p, err)
			}
			if _, err := collect(run.Results(t.Context())); !errors.Is(err, clay.KindRunFailed) || requests(s) != before+1 {
				t.Errorf("%d requests, %v", requests(s)-before, err)
			}
		}
	})
}

// A run that was stopped at Clay is in progress for ever.
func TestWaitEndsByItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := emulate(t, claytest.Options{Faults: []claytest.Fault{{Kind: claytest.RunStall}}}, clay.Config{})
		run, err := c.Routine(routine).Run(t.Context(), people(10), clay.RunOptions{})
		if err != nil {
			t.Fatal(err)
		}
		begin, polls := time.Now(), 0
		p, err := run.Wait(t.Context(), clay.WaitOptions{Timeout: time.Hour, Progress: func(clay.Progress) { polls++ }})
		failed(t, err, clay.KindUnfinished)
		if took := time.Since(begin); took != time.Hour || p.Done() || p.Finished != 5 || p.Total != 10 {
			t.Errorf("after %s: %+v, %v", took, p, err)
		}
		// Growing waits: an hour costs some 240 questions at 15 s, not 3600.
		if polls < 200 || polls > 320 || requests(s) != polls+1 {
			t.Errorf("%d polls, %d requests", polls, requests(s))
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		_, err = run.Wait(ctx, clay.WaitOptions{})
		if failed(t, err, clay.KindUnfinished); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		_, err = collect(run.Results(ctx))
		failed(t, err, clay.KindUnfinished)
	})
}

// A completion webhook makes the next question come at once.
func TestWaitIsWoken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := emulate(t, claytest.Options{PublicAPI: claytest.PublicAPI{Delay: claytest.Delay{Min: 70 * time.Second}}}, clay.Config{})
		run, err := c.Routine(routine).Run(t.Context(), people(1), clay.RunOptions{})
		if err != nil {
			t.Fatal(err)
		}
		wake := make(chan struct{})
		go func() {
			<-time.After(70 * time.Second)
			wake <- struct{}{}
		}()
		begin := time.Now()
		_, err = run.Wait(t.Context(), clay.WaitOptions{First: 10 * time.Minute, Longest: 10 * time.Minute, Wake: wake})
		if took := time.Since(begin); err != nil || took != 70*time.Second {
			t.Errorf("after %s: %v", took, err)
		}
	})
}

// A channel that is closed wakes nobody: it must not turn waiting into hammering.
func TestClosedWakeIsNoHammer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := emulate(t, claytest.Options{Faults: []claytest.Fault{{Kind: claytest.RunStall}}}, clay.Config{})
		wake := make(chan struct{})
		close(wake)
		_, err := mustRun(t, c, 1).Wait(t.Context(), clay.WaitOptions{Timeout: time.Minute, Wake: wake})
		if failed(t, err, clay.KindUnfinished); requests(s) > 20 {
			t.Errorf("%d requests in a minute", requests(s))
		}
	})
}

func TestResultsAreGoneAfterADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := emulate(t, claytest.Options{}, clay.Config{})
		run, err := c.Routine(routine).Run(t.Context(), people(1), clay.RunOptions{})
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(25 * time.Hour)
		_, err = run.Poll(t.Context())
		if e := failed(t, err, clay.KindNotFound); !strings.Contains(e.Hint, "a day") {
			t.Error(err)
		}
	})
}

// Pages that go round in a circle end in an error, not in an endless loop.
func TestPagesThatNeverEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		round := claytest.Fault{Kind: claytest.Answer, Path: "/results", Status: []int{200}, Body: `{"status":"complete","data":[{"id":"a","status":"complete"}],"cursor":"again"}`}
		s, c := emulate(t, claytest.Options{Faults: []claytest.Fault{round}}, clay.Config{})
		all, err := collect(c.Run("run_x").Results(t.Context()))
		if failed(t, err, clay.KindBadAnswer); len(all) != 2 || requests(s) != 2 {
			t.Errorf("%d results, %d requests, %v", len(all), requests(s), err)
		}
	})
}

func TestAnswersOfRunsThatAreNone(t *testing.T) {
	for name, body := range map[string]string{
		"html": "<html>", "empty": "", "no status": `{}`, "array": `[]`, "null": "null", "item without id": `{"status":"complete","data":[{"status":"complete"}]}`,
	} {
		synctest.Test(t, func(t *testing.T) {
			bad := claytest.Fault{Kind: claytest.Answer, Status: []int{200}, Body: body, RetryAfter: []string{}}
			if body == "" {
				bad.Body = " "
			}
			s, c := emulate(t, claytest.Options{Faults: []claytest.Fault{bad}}, clay.Config{})
			_, err := c.Run("run_x").Poll(t.Context())
			if e := failed(t, err, clay.KindBadAnswer); e.MayDuplicate() || requests(s) != 1 {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

func TestMe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := emulate(t, claytest.Options{}, clay.Config{})
		me, err := c.Me(t.Context())
		if err != nil || me.UserID == "" || me.UserName == "" || me.WorkspaceID == "" {
			t.Errorf("%+v, %v", me, err)
		}
		b, err := c.Credits(t.Context())
		if err != nil || b.Credits != 10_000 {
			t.Errorf("%+v, %v", b, err)
		}
		if err := s.SetFaults(claytest.Fault{Kind: claytest.Answer, Status: []int{200}, Body: `{"left":3}`}); err != nil {
			t.Fatal(err)
		}
		_, err = c.Credits(t.Context())
		failed(t, err, clay.KindBadAnswer)
	})
}

func TestWrongKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := claytest.New(t, claytest.Options{InMemory: true, PublicAPI: claytest.PublicAPI{Key: "another"}})
		_, err := client(t, s, clay.Config{}).Me(t.Context())
		if e := failed(t, err, clay.KindUnauthorized); !strings.HasPrefix(e.RequestID, "req_") || !strings.Contains(e.Hint, "PublicAPIKey") || strings.Contains(err.Error(), apiKey) {
			t.Errorf("%q, %v", e.RequestID, err)
		}
	})
}

// The pace is the client's own and gives way to what Clay says.
func TestPublicAPIPace(t *testing.T) {
	for _, hidden := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s, c := emulate(t, claytest.Options{PublicAPI: claytest.PublicAPI{PerSecond: 1, Burst: 1, HideLimits: hidden}}, clay.Config{})
			begin := time.Now()
			for range 10 {
				if _, err := c.Me(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			took, refused := time.Since(begin), s.Stats().Status[429]
			if took < 9*time.Second || took > 25*time.Second || refused == 0 || refused > 9 {
				t.Errorf("10 requests at 1/s took %s, %d were refused", took, refused)
			}
			once := client(t, s, clay.Config{Retries: -1})
			var err error
			for err == nil {
				_, err = once.Me(t.Context())
			}
			e := failed(t, err, clay.KindThrottled)
			if (e.RateLimit == nil) != hidden || e.RetryAfter != time.Second {
				t.Errorf("%+v", e)
			}
			if l := e.RateLimit; l != nil && (l.Limit != 1 || l.Remaining != 0 || !l.Reset.After(time.Now())) {
				t.Errorf("%+v", l)
			}
		})
	}
}

// Every item of many runs comes back exactly once.
func TestManyRunsLoseAndDoubleNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := emulate(t, claytest.Options{}, clay.Config{PublicAPIPacer: clay.NewPacer(-1, 0)})
		_ = s.SetFaults(claytest.Fault{Kind: claytest.DropAfter, Path: "/results", Rate: 0.2}, claytest.Fault{Kind: claytest.Answer, Status: []int{429}, Rate: 0.1})
		seen := map[string]int{}
		for batch := range slices.Chunk(people(1000), clay.MaxRunItems) {
			run, err := c.Routine(routine).Run(t.Context(), batch, clay.RunOptions{})
			if err != nil {
				t.Fatal(err)
			}
			all, err := collect(run.Results(t.Context()))
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range all {
				seen[r.ID]++
			}
		}
		if once := slices.Collect(maps.Values(seen)); len(seen) != 1000 || slices.Max(once) != 1 || starts(s) != 10 {
			t.Errorf("%d ids, at most %d times, %d starts", len(seen), slices.Max(once), starts(s))
		}
	})
}
