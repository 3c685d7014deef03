package collect

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/internal/ledger"
)

// with returns a callback's body: the ticket and more fields.
func with(ticket, more string) string { return `{"claygate_id":"` + ticket + `",` + more + `}` }

func TestCallbackCompletesItsRecord(t *testing.T) {
	tests := map[string]struct{ body, result string }{
		"an object":                {`{"claygate_id":"TICKET","name":"Jo","n":3}`, `{"name":"Jo","n":3}`},
		"a byte order mark":        {"\ufeff" + `{"claygate_id":"TICKET","name":"Jo"}`, `{"name":"Jo"}`},
		"numbers as strings":       {`{"claygate_id":"TICKET","n":"3","f":"1e2"}`, `{"n":"3","f":"1e2"}`},
		"what Clay leaves empty":   {`{"claygate_id":"TICKET","a":null,"b":"","c":"/Email","d":"[object Object]"}`, `{"a":null,"b":"","c":"/Email","d":"[object Object]"}`},
		"nothing but the ticket":   {`{"claygate_id":"TICKET"}`, `{}`},
		"blanks around the ticket": {`{"claygate_id":" TICKET\n","name":"Jo"}`, `{"name":"Jo"}`},
		"the field in other case":  {`{"Claygate_ID":"TICKET","name":"Jo"}`, `{"name":"Jo"}`},
		"digits beyond a float64":  {`{"claygate_id":"TICKET","n":12345678901234567890.10}`, `{"n":12345678901234567890.10}`},
		"invalid UTF-8":            {"{\"claygate_id\":\"TICKET\",\"name\":\"J\xff\"}", `{"name":"J` + "\uFFFD" + `"}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			id, ticket := d.sent(t, `{"email":"jo@example.com"}`)
			body := strings.ReplaceAll(tt.body, "TICKET", ticket)
			if w := d.post(body); w.Code != http.StatusOK || w.Body.String() != `{"ok":true}`+"\n" {
				t.Fatalf("answer %d %s", w.Code, w.Body)
			}
			r := d.record(t, id)
			if r.State != ledger.Done || string(r.Result) != tt.result {
				t.Errorf("the record is %s with %s, want done with %s", r.State, r.Result, tt.result)
			}
			bodies, matched := d.kept(t)
			if diff := cmp.Diff([]string{body}, bodies); diff != "" || !matched[0] {
				t.Errorf("kept (matched %t), -want +got:\n%s", matched, diff)
			}
		})
	}
}

// What nobody can have got from this ledger is refused, with a text that helps whoever sees it in the cell.
func TestCallbackRefuses(t *testing.T) {
	d := newDesk(t)
	id, ticket := d.sent(t, `{}`)
	forged := ledger.NewTickets([]byte("of another ledger")).Sign(ledger.Ticket{Record: id, Attempt: 1})
	cut := strings.LastIndexByte(ticket, '.')
	tests := map[string]struct {
		body   string
		status int
		help   string
	}{
		"no ticket":                {`{"name":"Jo"}`, 401, "add it to the column's body"},
		"an empty ticket":          {with("", `"a":1`), 401, "is empty"},
		"a null ticket":            {`{"claygate_id":null}`, 401, "is empty"},
		"a number":                 {`{"claygate_id":7}`, 401, "choose the column claygate_id itself"},
		"a chip typed as text":     {with("/claygate_id", `"a":1`), 401, "typed as text"},
		"a template's reference":   {with("{{claygate_id}}", `"a":1`), 401, "typed as text"},
		"a part of an object":      {with("[object Object]", `"a":1`), 401, "[object Object]"},
		"a forged ticket":          {with(forged, `"a":1`), 401, "does not hold what claygate sent"},
		"another record's number":  {with("rec_7"+ticket[5:], `"a":1`), 401, "does not hold what claygate sent"},
		"another attempt":          {with(ticket[:cut-1]+"2"+ticket[cut:], `"a":1`), 401, "does not hold what claygate sent"},
		"half a tag":               {with(ticket[:len(ticket)-8], `"a":1`), 401, "does not hold what claygate sent"},
		"no tag":                   {with(ticket[:cut], `"a":1`), 401, "does not hold what claygate sent"},
		"a ticket in upper case":   {with(strings.ToUpper(ticket), `"a":1`), 401, "does not hold what claygate sent"},
		"nothing":                  {``, 400, "one JSON object"},
		"an array":                 {`[` + with(ticket, `"a":1`) + `]`, 400, "one JSON object"},
		"a string":                 {`"` + ticket + `"`, 400, "one JSON object"},
		"null":                     {`null`, 400, "one JSON object"},
		"truncated":                {with(ticket, `"a":1`)[:60], 400, "one JSON object"},
		"two objects":              {with(ticket, `"a":1`) + `{}`, 400, "one JSON object"},
		"a body over 1 MiB":        {with(ticket, `"a":"`+strings.Repeat("x", maxCallback)+`"`), 413, "send fewer columns"},
		"a form instead of a body": {"claygate_id=" + ticket, 400, "one JSON object"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := d.post(tt.body)
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.help) {
				t.Errorf("answer %d %s, want %d and %q", w.Code, w.Body, tt.status, tt.help)
			}
			var answer struct {
				OK    bool
				Error string
			}
			if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || answer.OK || answer.Error == "" {
				t.Errorf("the answer is not an error in JSON: %s", w.Body)
			}
		})
	}
	if r := d.record(t, id); r.State != ledger.Sending {
		t.Errorf("a refused callback moved the record to %s", r.State)
	}
	if bodies, _ := d.kept(t); len(bodies) > 0 {
		t.Errorf("refused callbacks were kept: %q", bodies)
	}
}

func TestCallbackOfAsMuchAsIsTaken(t *testing.T) {
	d := newDesk(t)
	_, ticket := d.sent(t, `{}`)
	body := with(ticket, `"a":""`)
	body = with(ticket, `"a":"`+strings.Repeat("x", maxCallback-len(body))+`"`)
	if w := d.post(body); len(body) != maxCallback || w.Code != http.StatusOK {
		t.Errorf("a body of %d bytes: %d %s", len(body), w.Code, w.Body)
	}
}

func TestCallbackThatBreaksOff(t *testing.T) {
	d := newDesk(t)
	body := io.MultiReader(strings.NewReader(`{"claygate_id`), iotest.ErrReader(io.ErrUnexpectedEOF))
	if w := d.do(httptest.NewRequest(http.MethodPost, CallbackPath+target, body)); w.Code != http.StatusBadRequest {
		t.Errorf("answer %d %s", w.Code, w.Body)
	}
}

func TestCallbackAddress(t *testing.T) {
	d := newDesk(t)
	for name, tt := range map[string]struct {
		method, path string
		status       int
	}{
		"another target": {http.MethodPost, CallbackPath + "nowhere", 404},
		"no target":      {http.MethodPost, CallbackPath, 404},
		"a GET":          {http.MethodGet, CallbackPath + target, 405},
		"a PUT":          {http.MethodPut, CallbackPath + target, 405},
	} {
		t.Run(name, func(t *testing.T) {
			if w := d.do(httptest.NewRequest(tt.method, tt.path, nil)); w.Code != tt.status {
				t.Errorf("answer %d %s, want %d", w.Code, w.Body, tt.status)
			}
		})
	}
}

// A column's URL may name the target in full, or by its bare name where only one workspace has it: these callbacks were
// taken as those of a target that is not configured, without a look at its secret.
func TestCallbackAddressWithWorkspace(t *testing.T) {
	for path, name := range map[string]string{"main/people": target, "people": "acme/people"} {
		d := newDesk(t, func(o *Options) { o.Targets[0] = Target{Name: name, Secret: secret} })
		_, ticket := d.sent(t, `{}`)
		post := func(header ...string) int {
			return d.do(httptest.NewRequest(http.MethodPost, CallbackPath+path, strings.NewReader(with(ticket, `"name":"Jo"`))), header...).Code
		}
		if refused, taken := post(), post(SecretHeader, secret); refused != http.StatusUnauthorized || taken != http.StatusOK {
			t.Errorf("%s: without the secret %d, with it %d", path, refused, taken)
		}
	}
}

// A ticket leads to its own record, whatever URL it came to: a column that calls another workspace's completes what was
// paid for, and that workspace gets nothing.
func TestCallbackAtAnotherWorkspace(t *testing.T) {
	d := newDesk(t, func(o *Options) { o.Targets = append(o.Targets, Target{Name: "zeta/people"}) })
	id, ticket := d.sent(t, `{}`)
	w := d.do(httptest.NewRequest(http.MethodPost, CallbackPath+"zeta/people", strings.NewReader(with(ticket, `"name":"Jo"`))))
	if r := d.record(t, id); w.Code != http.StatusOK || r.State != ledger.Done || r.Target != target {
		t.Errorf("%d, the record is %s of %s", w.Code, r.State, r.Target)
	}
	if zeta, err := d.store.List(t.Context(), ledger.Query{Target: "zeta/people", Max: 9}); err != nil || len(zeta) > 0 {
		t.Errorf("zeta has %v, %v", zeta, err)
	}
	if status, err := d.store.TargetStatus(t.Context(), "zeta/people"); err != nil || status.Counts.Total() > 0 {
		t.Errorf("zeta counts %v, %v", status.Counts, err)
	}
}

// A ticket sent to the URL of a target without a secret, or of none at all, went around the secret of its own target.
func TestCallbackSecretCannotBeGoneAround(t *testing.T) {
	d := newDesk(t, func(o *Options) {
		o.Targets = []Target{{Name: target, Secret: secret}, {Name: "open"}, {Name: "other", Secret: "another"}}
	})
	id, ticket := d.sent(t, `{}`)
	for _, name := range []string{"open", "nowhere", "other"} {
		w := d.do(httptest.NewRequest(http.MethodPost, CallbackPath+name, strings.NewReader(with(ticket, `"name":"Jo"`))), SecretHeader, "another")
		if w.Code != http.StatusUnauthorized {
			t.Errorf("at %s: %d %s", name, w.Code, w.Body)
		}
	}
	if r := d.record(t, id); r.State != ledger.Sending {
		t.Errorf("the record is %s", r.State)
	}
	w := d.do(httptest.NewRequest(http.MethodPost, CallbackPath+"open", strings.NewReader(with(ticket, `"name":"Jo"`))), SecretHeader, secret)
	if r := d.record(t, id); w.Code != http.StatusOK || r.State != ledger.Done {
		t.Errorf("with its secret: %d, the record is %s", w.Code, r.State)
	}
}

func TestCallbackSecret(t *testing.T) {
	d := newDesk(t, func(o *Options) { o.Targets[0].Secret = secret })
	id, ticket := d.sent(t, `{}`)
	body := with(ticket, `"name":"Jo"`)
	for name, header := range map[string][]string{
		"none": nil, "empty": {SecretHeader, ""}, "wrong": {SecretHeader, secret + "x"}, "a part": {SecretHeader, secret[:5]},
	} {
		t.Run(name, func(t *testing.T) {
			w := d.post(body, header...)
			if w.Code != http.StatusUnauthorized || !strings.Contains(w.Body.String(), SecretHeader) {
				t.Errorf("answer %d %s", w.Code, w.Body)
			}
		})
	}
	if r := d.record(t, id); r.State == ledger.Done {
		t.Error("a callback without the secret completed its record")
	}
	if w := d.post(body, SecretHeader, secret); w.Code != http.StatusOK {
		t.Errorf("with the secret: %d %s", w.Code, w.Body)
	}
}

func TestRenamedTicketField(t *testing.T) {
	d := newDesk(t, func(o *Options) { o.Targets[0].TicketField = "ref" })
	id, ticket := d.sent(t, `{}`)
	if w := d.post(with(ticket, `"a":1`)); w.Code != http.StatusUnauthorized {
		t.Errorf("under the default name: %d %s", w.Code, w.Body)
	}
	if w := d.post(`{"ref":"` + ticket + `","claygate_id":"mine"}`); w.Code != http.StatusOK {
		t.Fatalf("answer %d %s", w.Code, w.Body)
	}
	if r := d.record(t, id); string(r.Result) != `{"claygate_id":"mine"}` {
		t.Errorf("the result is %s", r.Result)
	}
}

// An authentic callback whose record is not there any more is kept all the same: somebody paid for it.
func TestCallbackOfAnUnknownRecord(t *testing.T) {
	d := newDesk(t)
	body := with(d.tickets.Sign(ledger.Ticket{Record: ledger.RecordID{9}, Attempt: 1}), `"name":"Jo"`)
	if w := d.post(body); w.Code != http.StatusOK {
		t.Fatalf("answer %d %s", w.Code, w.Body)
	}
	bodies, matched := d.kept(t)
	if diff := cmp.Diff([]string{body}, bodies); diff != "" || matched[0] {
		t.Errorf("kept (matched %t), -want +got:\n%s", matched, diff)
	}
}

// Clay repeats deliveries, and runs a column again when a cell changes: what comes later fills what is empty.
func TestFurtherCallbacksFill(t *testing.T) {
	d := newDesk(t)
	id, ticket := d.sent(t, `{}`)
	for _, step := range []struct {
		fields, result string
		revision       int
	}{
		{`"name":"Jo","title":null`, `{"name":"Jo","title":null}`, 1},
		{`"name":"Jo","title":null`, `{"name":"Jo","title":null}`, 1},
		{`"name":"","title":"CEO"`, `{"name":"Jo","title":"CEO"}`, 2},
		{`"name":"Joanna"`, `{"name":"Jo","title":"CEO"}`, 2},
	} {
		if w := d.post(with(ticket, step.fields)); w.Code != http.StatusOK {
			t.Fatalf("%s: answer %d %s", step.fields, w.Code, w.Body)
		}
		if r := d.record(t, id); string(r.Result) != step.result || r.Revision != step.revision {
			t.Errorf("after %s: %s at revision %d, want %s at %d", step.fields, r.Result, r.Revision, step.result, step.revision)
		}
	}
	if bodies, _ := d.kept(t); len(bodies) != 4 {
		t.Errorf("%d callbacks were kept, want all 4", len(bodies))
	}
}

// A callback that comes before the send's own answer must not be undone by it.
func TestCallbackBeforeTheAnswer(t *testing.T) {
	d := newDesk(t)
	id, ticket := d.sent(t, `{}`)
	d.post(with(ticket, `"name":"Jo"`))
	_, err := d.store.Apply(t.Context(), []ledger.Entry{{Record: id, Event: ledger.Answer{
		Attempt: 1, Outcome: ledger.Answered, Verdict: ledger.Accepted, Status: 200,
	}}})
	if r := d.record(t, id); err != nil || r.State != ledger.Done {
		t.Errorf("the record is %s (%v)", r.State, err)
	}
}

func TestClosedLedgerIsBusy(t *testing.T) {
	d := newDesk(t)
	_, ticket := d.sent(t, `{}`)
	if err := d.store.Close(); err != nil {
		t.Fatal(err)
	}
	w := d.post(with(ticket, `"name":"Jo"`))
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "1" {
		t.Errorf("answer %d, Retry-After %q: Clay would not try again", w.Code, w.Header().Get("Retry-After"))
	}
}

// The failure it prevents: Clay retries at once and only once, so a full disk of a second lost what had been paid for.
func TestFullLedgerIsWaitedFor(t *testing.T) {
	full := &ledger.Error{Kind: ledger.Full, Op: "apply", Message: "no space"}
	for name, tt := range map[string]struct {
		recovers time.Duration
		status   int
	}{
		"for a while": {10 * time.Second, 200},
		"for long":    {time.Hour, 429},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tickets, began := ledger.NewTickets([]byte("x")), time.Now()
				c := New(Options{Tickets: tickets, Targets: []Target{{Name: target}}, Store: eventsFunc(
					func(context.Context, []ledger.Entry) ([]ledger.Applied, error) {
						if time.Since(began) < tt.recovers {
							return nil, full
						}
						return []ledger.Applied{{}}, nil
					})})
				w := (&desk{Callbacks: c}).post(with(tickets.Sign(ledger.Ticket{Record: ledger.RecordID{1}, Attempt: 1}), `"a":1`))
				if w.Code != tt.status {
					t.Errorf("answer %d %s, want %d", w.Code, w.Body, tt.status)
				}
				if took := time.Since(began); took > holdAnswer {
					t.Errorf("the answer took %s: Clay hangs up", took)
				}
			})
		})
	}
}

// A ledger that hangs is given up in time to tell Clay so.
func TestHangingLedger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tickets := ledger.NewTickets([]byte("x"))
		c := New(Options{Tickets: tickets, Targets: []Target{{Name: target}}, Store: eventsFunc(
			func(ctx context.Context, _ []ledger.Entry) ([]ledger.Applied, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			})})
		w := (&desk{Callbacks: c}).post(with(tickets.Sign(ledger.Ticket{Record: ledger.RecordID{1}, Attempt: 1}), `"a":1`))
		if w.Code != http.StatusTooManyRequests {
			t.Errorf("answer %d %s", w.Code, w.Body)
		}
	})
}

// Logs outlive the data they are about: neither the people in it nor the secrets may be in them.
func TestCallbacksLogNothingPersonal(t *testing.T) {
	d := newDesk(t, func(o *Options) { o.Targets[0].Secret = secret })
	_, ticket := d.sent(t, `{"email":"canary@example.com"}`)
	d.post(with(ticket, `"email":"canary@example.com"`))
	d.post(with(ticket, `"email":"canary@example.com"`), SecretHeader, "wr0ng")
	d.post(with("canary@example.com", `"a":1`), SecretHeader, secret)
	d.post(with(d.tickets.Sign(ledger.Ticket{Record: ledger.RecordID{9}, Attempt: 1}), `"email":"canary@example.com"`), SecretHeader, secret)
	d.post(`"canary@example.com"`, SecretHeader, secret)
	log := d.log.String()
	if strings.Count(log, "\n") < 4 {
		t.Fatalf("the log has too little to prove anything:\n%s", log)
	}
	for _, canary := range []string{"canary@", secret, "wr0ng", ticket} {
		if strings.Contains(log, canary) {
			t.Errorf("%q is in the log:\n%s", canary, log)
		}
	}
}

// A target that was taken from the configuration still calls back for what was sent: in the running process with its
// secret, and after a restart by its ticket alone.
func TestCallbacksOfATargetThatIsGone(t *testing.T) {
	running := newDesk(t, func(o *Options) { o.Targets = []Target{{Name: target, Secret: secret}} })
	id, ticket := running.sent(t, `{"email":"jo@example.com"}`)
	running.Configure([]Target{{Name: "firms"}})
	if w := running.post(with(ticket, `"name":"Jo"`)); w.Code != http.StatusUnauthorized {
		t.Errorf("without its secret: %d %s", w.Code, w.Body)
	}
	if w := running.post(with(ticket, `"name":"Jo"`), SecretHeader, secret); w.Code != http.StatusOK || running.record(t, id).State != ledger.Done {
		t.Errorf("with its secret: %d %s", w.Code, w.Body)
	}
	restarted := newDesk(t, func(o *Options) { o.Targets = nil })
	id, ticket = restarted.sent(t, `{"email":"mo@example.com"}`)
	if w := restarted.post(with(ticket+"x", `"name":"Mo"`)); w.Code != http.StatusNotFound {
		t.Errorf("with a forged ticket: %d %s", w.Code, w.Body)
	}
	if w := restarted.post(with(ticket, `"name":"Mo"`)); w.Code != http.StatusOK || restarted.record(t, id).State != ledger.Done {
		t.Errorf("with its ticket: %d %s", w.Code, w.Body)
	}
}
