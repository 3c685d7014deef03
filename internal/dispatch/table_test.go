package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/clay/claytest"
	"github.com/claygate/claygate/internal/ledger"
)

// attempt sends one record to an emulated Clay and returns what the driver made of it.
func attempt(t *testing.T, o claytest.Options, c clay.Config) ledger.Answer {
	t.Helper()
	o.InMemory = true
	server := claytest.New(t, o)
	c.WebhookURL, c.Transport = server.WebhookURL(target), server.Transport()
	client, err := clay.New(c)
	if err != nil {
		t.Fatal(err)
	}
	table := &Table{Webhooks: map[ledger.Digest]Sender{webhook: client}, Tickets: ledger.NewTickets([]byte("secret"))}
	return table.Send(t.Context(), ledger.Claimed{
		Record: ledger.Record{ID: ledger.RecordID{1}, Attempts: 1, Await: true, Fields: json.RawMessage(`{"email":"a@b.c"}`)}, Webhook: webhook,
	})
}

func answering(status int, retryAfter ...string) claytest.Options {
	if retryAfter == nil {
		retryAfter = []string{}
	}
	return claytest.Options{Faults: []claytest.Fault{{Kind: claytest.Answer, Status: []int{status}, RetryAfter: retryAfter}}}
}

// The outcome table for webhook rows (docs/decisions/0005-outcomes.md), each case as Clay or the network brings it about.
func TestAnswers(t *testing.T) {
	date := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
	type want struct {
		verdict ledger.Verdict
		outcome ledger.Outcome
		status  int
		after   time.Duration
	}
	tests := map[string]struct {
		clay   func() claytest.Options
		client clay.Config
		want   want
	}{
		"taken": {func() claytest.Options { return claytest.Options{} }, clay.Config{},
			want{ledger.Accepted, ledger.Answered, 200, 0}},
		"429 as Clay sends it": {func() claytest.Options {
			return claytest.Options{Faults: []claytest.Fault{{Kind: claytest.Answer, Status: []int{429}}}}
		}, clay.Config{}, want{ledger.Throttled, ledger.Answered, 429, time.Second}},
		"429 with seconds": {func() claytest.Options { return answering(429, "120") }, clay.Config{},
			want{ledger.Throttled, ledger.Answered, 429, 2 * time.Minute}},
		"429 with a date": {func() claytest.Options { return answering(429, date(90*time.Second)) }, clay.Config{},
			want{ledger.Throttled, ledger.Answered, 429, 90 * time.Second}},
		"429 with a date of RFC 850": {func() claytest.Options {
			return answering(429, time.Now().Add(time.Minute).UTC().Format("Monday, 02-Jan-06 15:04:05 GMT"))
		}, clay.Config{}, want{ledger.Throttled, ledger.Answered, 429, time.Minute}},
		"429 with a date of ANSI C": {func() claytest.Options {
			return answering(429, time.Now().Add(time.Minute).UTC().Format(time.ANSIC))
		}, clay.Config{}, want{ledger.Throttled, ledger.Answered, 429, time.Minute}},
		"429 with two hints": {func() claytest.Options { return answering(429, "3", "7") }, clay.Config{},
			want{ledger.Throttled, ledger.Answered, 429, 7 * time.Second}},
		"429 with a date gone by": {func() claytest.Options { return answering(429, date(-time.Hour)) }, clay.Config{},
			want{ledger.Throttled, ledger.Answered, 429, 0}},
		"429 with a fraction":    {func() claytest.Options { return answering(429, "1.5") }, clay.Config{}, want{ledger.Throttled, ledger.Answered, 429, 0}},
		"429 with a minus":       {func() claytest.Options { return answering(429, "-5") }, clay.Config{}, want{ledger.Throttled, ledger.Answered, 429, 0}},
		"429 with junk":          {func() claytest.Options { return answering(429, "soon") }, clay.Config{}, want{ledger.Throttled, ledger.Answered, 429, 0}},
		"429 that overflows":     {func() claytest.Options { return answering(429, "99999999999999999999") }, clay.Config{}, want{ledger.Throttled, ledger.Answered, 429, 0}},
		"429 for years":          {func() claytest.Options { return answering(429, "9000000000000") }, clay.Config{}, want{ledger.Throttled, ledger.Answered, 429, 24 * time.Hour}},
		"429 without a hint":     {func() claytest.Options { return answering(429) }, clay.Config{}, want{ledger.Throttled, ledger.Answered, 429, 0}},
		"503 with a hint":        {func() claytest.Options { return answering(503, "30") }, clay.Config{}, want{ledger.Throttled, ledger.Answered, 503, 30 * time.Second}},
		"503 without a hint":     {func() claytest.Options { return answering(503) }, clay.Config{}, want{ledger.Failed, ledger.Answered, 503, 0}},
		"a wrong token":          {func() claytest.Options { return claytest.Options{Token: "right"} }, clay.Config{WebhookToken: "wrong"}, want{ledger.Refused, ledger.Answered, 401, 0}},
		"403":                    {func() claytest.Options { return answering(403) }, clay.Config{}, want{ledger.Refused, ledger.Answered, 403, 0}},
		"403, used up":           {func() claytest.Options { return claytest.Options{Faults: usedUp()} }, clay.Config{}, want{ledger.Exhausted, ledger.Answered, 403, 0}},
		"a deleted table":        {func() claytest.Options { return claytest.Options{Webhooks: []claytest.Webhook{{Name: "another"}}} }, clay.Config{}, want{ledger.Refused, ledger.Answered, 404, 0}},
		"dropped before":         {fault(claytest.Fault{Kind: claytest.DropBefore}), clay.Config{}, want{ledger.Doubtful, ledger.Unknown, 0, 0}},
		"dropped after":          {fault(claytest.Fault{Kind: claytest.DropAfter}), clay.Config{}, want{ledger.Doubtful, ledger.Unknown, 0, 0}},
		"silence":                {fault(claytest.Fault{Kind: claytest.Slow, Latency: time.Hour}), clay.Config{}, want{ledger.Doubtful, ledger.Unknown, 0, 0}},
		"silence after the row":  {fault(claytest.Fault{Kind: claytest.SlowAnswer, Latency: time.Hour}), clay.Config{}, want{ledger.Doubtful, ledger.Unknown, 0, 0}},
		"a lost server":          {fault(claytest.Fault{Kind: claytest.AnswerAfter, Status: []int{504}}), clay.Config{}, want{ledger.Doubtful, ledger.Answered, 504, 0}},
		"an error after the row": {fault(claytest.Fault{Kind: claytest.AnswerAfter, Status: []int{500}}), clay.Config{}, want{ledger.Failed, ledger.Answered, 500, 0}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				a := attempt(t, tt.clay(), tt.client)
				if diff := cmp.Diff(tt.want, want{a.Verdict, a.Outcome, a.Status, a.RetryAfter}, cmp.AllowUnexported(want{})); diff != "" {
					t.Errorf("(-want +got):\n%s%s", diff, a.Reason)
				}
				if a.Verdict != ledger.Accepted && a.Reason == "" {
					t.Error("it does not say why")
				}
				if took := time.Since(began); took >= ledger.ClaimTimeout {
					t.Errorf("it took %s, longer than a claim lasts", took)
				}
			})
		})
	}
}

func fault(f claytest.Fault) func() claytest.Options {
	return func() claytest.Options { return claytest.Options{Faults: []claytest.Fault{f}} }
}

// usedUp is Clay's answer for a webhook that has had its 50,000 submissions.
func usedUp() []claytest.Fault {
	return []claytest.Fault{{Kind: claytest.Answer, Status: []int{403}, Body: `{"message":"Record limit reached for webhook"}`}}
}

// A reset cuts the request anywhere; whether its bytes had all left by then is the network's secret. Either way a
// second send could make a second row.
func TestResetMayDuplicate(t *testing.T) {
	for _, bytes := range []int{0, 5, 30} {
		synctest.Test(t, func(t *testing.T) {
			a := attempt(t, fault(claytest.Fault{Kind: claytest.Reset, Bytes: bytes})(), clay.Config{})
			switch {
			case a.Outcome == ledger.Partial && a.Verdict == ledger.Failed, a.Outcome == ledger.Unknown && a.Verdict == ledger.Doubtful:
			default:
				t.Errorf("after %d bytes: %s, %s", bytes, a.Outcome, a.Verdict)
			}
		})
	}
}

func TestNothingWasSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := claytest.New(t, claytest.Options{InMemory: true})
		client, err := clay.New(clay.Config{WebhookURL: server.WebhookURL(target), Transport: server.Transport()})
		if err != nil {
			t.Fatal(err)
		}
		server.Close()
		table := &Table{Webhooks: map[ledger.Digest]Sender{webhook: client}}
		a := table.Send(t.Context(), ledger.Claimed{Record: ledger.Record{Fields: json.RawMessage(`{}`)}, Webhook: webhook})
		if a.Outcome != ledger.NotSent || a.Verdict != ledger.Unsent {
			t.Errorf("a refused connection: %s, %s (%s)", a.Outcome, a.Verdict, a.Reason)
		}
	})
}

// Every status there is, against the table written out once more.
func TestEveryStatus(t *testing.T) {
	want := func(status int) ledger.Verdict {
		switch {
		case status < 300:
			return ledger.Accepted
		case status < 400, status == 401, status == 402, status == 403, status == 404, status == 410:
			return ledger.Refused
		case status == 408, status == 502, status == 504, status >= 520 && status <= 524:
			return ledger.Doubtful
		case status == 425, status == 429:
			return ledger.Throttled
		case status < 500:
			return ledger.Rejected
		}
		return ledger.Failed
	}
	synctest.Test(t, func(t *testing.T) {
		var statuses []int
		for status := 200; status < 600; status++ {
			statuses = append(statuses, status)
		}
		server := claytest.New(t, claytest.Options{InMemory: true, Faults: []claytest.Fault{{
			Kind: claytest.Answer, Status: statuses, RetryAfter: []string{},
		}}})
		client, err := clay.New(clay.Config{WebhookURL: server.WebhookURL(target), Transport: server.Transport()})
		if err != nil {
			t.Fatal(err)
		}
		table := &Table{Webhooks: map[ledger.Digest]Sender{webhook: client}}
		for _, status := range statuses {
			a := table.Send(t.Context(), ledger.Claimed{Record: ledger.Record{Fields: json.RawMessage(`{}`)}, Webhook: webhook})
			if a.Status != status || a.Verdict != want(status) || a.Outcome != ledger.Answered {
				t.Errorf("%d: %s, %s, want %s", a.Status, a.Outcome, a.Verdict, want(status))
			}
		}
	})
}

// A kind of failure that the SDK learns to tell must be given a verdict here.
func TestEveryKindHasAVerdict(t *testing.T) {
	want := map[clay.Kind]ledger.Verdict{
		clay.KindNotSent: ledger.Unsent, clay.KindPartial: ledger.Failed, clay.KindUnknown: ledger.Doubtful,
		clay.KindThrottled: ledger.Throttled, clay.KindUnavailable: ledger.Failed, clay.KindInvalid: ledger.Rejected,
		clay.KindUnauthorized: ledger.Refused, clay.KindPaymentRequired: ledger.Refused, clay.KindForbidden: ledger.Refused,
		clay.KindExhausted: ledger.Exhausted, clay.KindNotFound: ledger.Refused, clay.KindDeprecated: ledger.Refused,
		clay.KindRedirect: ledger.Refused, clay.KindConfig: ledger.Refused,
		// Sends never end this way; if one did, a row may be there.
		clay.KindBadAnswer: ledger.Doubtful, clay.KindRunFailed: ledger.Doubtful, clay.KindUnfinished: ledger.Doubtful,
	}
	for k := clay.Kind(1); k.String() != clay.Kind(0).String(); k++ {
		verdict, known := want[k]
		if got := tableVerdict(k); !known || got != verdict {
			t.Errorf("%s: %s, want %q", k, got, verdict)
		}
		if k.MayDuplicate() && verdict != ledger.Failed && verdict != ledger.Doubtful {
			t.Errorf("%s may leave a row, and its verdict %s forgets it", k, verdict)
		}
	}
	for o := range outcomes {
		if outcomes[o] == "" {
			t.Errorf("outcome %s has no counterpart", o)
		}
	}
}

// What is no error of the SDK's says nothing about the row: it may be there.
func TestUnknownError(t *testing.T) {
	table := &Table{Webhooks: map[ledger.Digest]Sender{webhook: senderFunc(func(context.Context, any) (clay.Receipt, error) {
		return clay.Receipt{}, errors.New("surprise")
	})}}
	a := table.Send(t.Context(), ledger.Claimed{Record: ledger.Record{Fields: json.RawMessage(`{}`)}, Webhook: webhook})
	if a.Verdict != ledger.Doubtful || a.Reason != "surprise" {
		t.Errorf("%+v", a)
	}
}

func TestUnconfiguredWebhook(t *testing.T) {
	a := (&Table{}).Send(t.Context(), ledger.Claimed{Record: ledger.Record{Fields: json.RawMessage(`{}`)}, Webhook: webhook})
	if a.Outcome != ledger.Released || a.Verdict != ledger.Refused || !strings.Contains(a.Reason, "not configured") {
		t.Errorf("%+v", a)
	}
}

type senderFunc func(ctx context.Context, record any) (clay.Receipt, error)

func (f senderFunc) SendOnce(ctx context.Context, record any) (clay.Receipt, error) {
	return f(ctx, record)
}

// The ticket joins the fields and changes none of them, however they are written.
func TestStamp(t *testing.T) {
	tickets := ledger.NewTickets([]byte("secret"))
	rapid.Check(t, func(rt *rapid.T) {
		fields := rapid.MapOf(rapid.String(), rapid.String()).Draw(rt, "fields")
		delete(fields, ledger.TicketField)
		blank := rapid.StringMatching(`[ \t\r\n]{0,3}`)
		raw, _ := json.Marshal(fields)
		text := blank.Draw(rt, "before") + string(raw[:len(raw)-1]) + blank.Draw(rt, "within") + "}" + blank.Draw(rt, "after")

		c := ledger.Claimed{Record: ledger.Record{ID: ledger.RecordID{7}, Attempts: 3, Fields: json.RawMessage(text)}}
		var got map[string]string
		if err := json.Unmarshal((&Table{Tickets: tickets}).stamp(c), &got); err != nil {
			rt.Fatal(err)
		}
		ticket, err := tickets.Verify(got[ledger.TicketField])
		if err != nil || ticket != (ledger.Ticket{Record: c.Record.ID, Attempt: 3}) {
			rt.Fatalf("ticket %+v: %v", ticket, err)
		}
		delete(got, ledger.TicketField)
		want := map[string]string{}
		_ = json.Unmarshal(raw, &want) // as JSON carries them
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatalf("the fields changed (-want +got):\n%s", diff)
		}
	})
}

// A record whose result nobody awaits goes out byte for byte.
func TestNoTicketWithoutAwait(t *testing.T) {
	var sent []string
	table := &Table{Webhooks: map[ledger.Digest]Sender{webhook: senderFunc(func(_ context.Context, record any) (clay.Receipt, error) {
		sent = append(sent, string(record.(json.RawMessage)))
		return clay.Receipt{Status: 200}, nil
	})}, Tickets: ledger.NewTickets([]byte("secret")), TicketField: "ref"}
	for _, await := range []bool{false, true} {
		table.Send(t.Context(), ledger.Claimed{Record: ledger.Record{Fields: json.RawMessage(`{ "a": 1 }`), Await: await}, Webhook: webhook})
	}
	if sent[0] != `{ "a": 1 }` || !strings.HasPrefix(sent[1], `{ "a": 1,"ref":"`) {
		t.Errorf("sent %q", sent)
	}
}
