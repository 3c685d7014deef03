package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// gateway is a `claygate serve` that is killed and started again, and its callers.
type gateway struct {
	*table
	user    *endpoint // where ends are forwarded
	api     string    // where the API is served
	config  string
	padding string // makes records long, so that the ledger's file grows
	mutant  bool   // it makes a mistake that is to be found: its answers may be anything
	http    *http.Client
	env     []string // what the configuration refers to, beside the webhook

	mu           sync.Mutex
	sent         int               // records that callers handed in, or tried to
	acknowledged map[string]string // by printed ID: the e-mail address of a record that was answered 200 or 202
	ended        map[string]bool   // those that a waiting caller was told the end of
	before       books             // the ledger at the last look
}

// newGateway makes a table of which results are awaited for as long as said. The extra lines end its configuration.
func newGateway(t *testing.T, pace int, timeout string, extra ...string) *gateway {
	t.Helper()
	return gatewayOf(newTable(t, pace), timeout, extra...)
}

// gatewayOf puts a gateway before a table.
func gatewayOf(b *table, timeout string, extra ...string) *gateway {
	t := b.t
	t.Helper()
	g := &gateway{
		table: b, user: newEndpoint(t), api: freeAddress(t), acknowledged: map[string]string{}, ended: map[string]bool{},
	}
	g.http = listening(t, g.environment()...)
	g.config = filepath.Join(g.dir, "claygate.yaml")
	g.configure(g.config, settings{g.api, g.callback, g.ledger(), timeout, strings.Join(extra, "")})
	return g
}

// settings are what differs between the configurations of gateways.
type settings struct{ api, callback, ledger, timeout, extra string }

// configure writes a configuration.
func (g *gateway) configure(path string, s settings) {
	g.t.Helper()
	text := fmt.Sprintf("listen: %s\ncallback_listen: %s\npublic_url: http://%s\nledger: %s\nallow_insecure: true\n"+
		"destinations:\n  user:\n    webhook: {url: %s, secret: env:SIGNING}\n    failures: true\n    cached: true\n    allow_private: true\nworkspaces:\n  main:\n"+
		"    pace: {per_second: %d, burst: %d}\n    tables:\n      default:\n        webhooks: [{url: env:WEBHOOK}]\n        result_timeout: %s\n        dedupe_by: email\n        destinations: user\n%s",
		s.api, s.callback, g.callback, s.ledger, g.user.URL, g.pace, g.pace, s.timeout, s.extra)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		g.t.Fatal(err)
	}
}

// serve starts the gateway, of the binary that can be killed at a point.
func (g *gateway) serve(env ...string) *child {
	g.t.Helper()
	path, err := crashing()
	if err != nil {
		g.t.Fatal(err)
	}
	return launch(g.t, path, append(env, g.environment()...), "serve", "--config", g.config, "--log-level", "debug")
}

// environment is what the configuration refers to.
func (g *gateway) environment() []string {
	return []string{"HOME=" + g.dir, "WEBHOOK=" + g.clay.WebhookURL("people"), "SIGNING=" + signing}
}

// callers hand records in, each in its own way and again and again, until the context ends. They do not mind that the
// gateway is gone for a while.
func (g *gateway) callers(ctx context.Context) (wait func()) {
	var all sync.WaitGroup
	for kind, call := range []func(context.Context, string){g.once, g.once, g.waiting, g.lines, g.twins} {
		all.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				call(ctx, fmt.Sprintf("%d.%d", kind, n))
				pause(ctx, 40*time.Millisecond)
			}
		})
	}
	return all.Wait
}

// once hands one record in under an idempotency key, until it is told that it is safe.
func (g *gateway) once(ctx context.Context, name string) {
	email := "once." + name + "@leads.example"
	for ctx.Err() == nil {
		if g.post(ctx, call{body: g.record(email), header: http.Header{"Idempotency-Key": {name}}, emails: []string{email}}) {
			return
		}
		pause(ctx, 10*time.Millisecond)
	}
}

// waiting hands one in and waits for its result.
func (g *gateway) waiting(ctx context.Context, name string) {
	email := "waiting." + name + "@leads.example"
	g.post(ctx, call{query: "?wait=300ms", body: g.record(email), emails: []string{email}})
}

// lines hands in five at once.
func (g *gateway) lines(ctx context.Context, name string) {
	var text strings.Builder
	var emails []string
	for i := range 5 {
		emails = append(emails, fmt.Sprintf("lines.%s.%d@leads.example", name, i))
		text.WriteString(g.record(emails[i]) + "\n")
	}
	g.post(ctx, call{body: text.String(), header: http.Header{"Content-Type": {"application/x-ndjson"}}, emails: emails})
}

// twins hands in the same work three times, in one array.
func (g *gateway) twins(ctx context.Context, name string) {
	email := "twins." + name + "@leads.example"
	one := g.record(email)
	g.post(ctx, call{body: "[" + one + "," + one + "," + one + "]", emails: []string{email, email, email}})
}

func (g *gateway) record(email string) string {
	return fmt.Sprintf(`{"fields":{"email":%q,"about":%q}}`, email, g.padding)
}

// call is one request of a caller.
type call struct {
	query, body string
	header      http.Header
	emails      []string // of its records, in order
}

// post sends a request and notes what it is told. Acknowledged is false when it cannot know.
func (g *gateway) post(ctx context.Context, c call) (acknowledged bool) {
	g.mu.Lock()
	g.sent += len(c.emails)
	g.mu.Unlock()
	req, err := http.NewRequestWithContext(context.WithoutCancel(ctx), "POST", "http://"+g.api+"/v1/targets/default/records"+c.query, strings.NewReader(c.body))
	if err != nil {
		g.t.Error(err)
		return true
	}
	req.Header = c.header.Clone()
	if req.Header == nil {
		req.Header = http.Header{}
	}
	if req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := g.http.Do(req)
	if err != nil {
		return false // killed, or not yet there
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return false
	}
	if res.StatusCode == http.StatusServiceUnavailable {
		return false
	}
	if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusAccepted {
		if !g.mutant {
			g.t.Errorf("%d: %s", res.StatusCode, text)
		}
		return true
	}
	g.note(text, c.emails)
	return true
}

// note keeps what callers were told: one record, an array of them, or lines.
func (g *gateway) note(text []byte, emails []string) {
	text = bytes.TrimPrefix(bytes.TrimSpace(text), []byte("["))
	dec := json.NewDecoder(bytes.NewReader(bytes.ReplaceAll(bytes.TrimSuffix(text, []byte("]")), []byte("},{"), []byte("} {"))))
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range emails {
		var answer struct {
			ID, State string
			Problem   struct{ Status int }
		}
		err := dec.Decode(&answer)
		if answer.Problem.Status == http.StatusServiceUnavailable {
			continue // a line that was not taken: the disk, or the database, was gone
		}
		if err != nil || answer.ID == "" {
			if g.mutant {
				return
			}
			g.t.Errorf("answer %d of %d (%v): %s", i+1, len(emails), err, text)
			return
		}
		g.acknowledged[answer.ID] = emails[i]
		if answer.State == "done" {
			g.ended[answer.ID] = true
		}
	}
}

// examine compares the ledger of a dead gateway with what its callers were told, with Clay's books, and with the ledger
// as it was at the last look.
func (g *gateway) examine() (f figures, problems []string) {
	g.t.Helper()
	books := g.books()
	f, problems = g.inspect(books)
	problems = append(problems, moved(g.before, books)...)
	g.before = books
	g.mu.Lock()
	defer g.mu.Unlock()
	f.acknowledged = len(g.acknowledged)
	for id, email := range g.acknowledged {
		e, found := books.records[recordOf(g.t, id)]
		switch {
		case !found:
			problems = append(problems, fmt.Sprintf("I1: %s (%s) was acknowledged and is gone", id, email))
		case !e.erased && !strings.Contains(e.fields, email):
			problems = append(problems, fmt.Sprintf("I1: %s was handed in as %s and is %.100s", id, email, e.fields))
		case g.ended[id] && e.state != "done":
			problems = append(problems, fmt.Sprintf("I7: %s was said to be done and is %s", id, e.state))
		}
	}
	return f, append(problems, twice(books)...)
}

// twice finds records that one idempotency key made twice.
func twice(books books) (problems []string) {
	seen := map[string]bool{}
	for _, e := range books.records {
		var fields struct{ Email string }
		_ = json.Unmarshal([]byte(e.fields), &fields) // it was accepted, so it is JSON
		if strings.HasPrefix(fields.Email, "once.") && seen[fields.Email] {
			problems = append(problems, "one idempotency key made two records: "+fields.Email)
		}
		seen[fields.Email] = true
	}
	return problems
}

// mustExamine fails the test on every problem.
func (g *gateway) mustExamine() figures {
	g.t.Helper()
	f, problems := g.examine()
	for i, problem := range problems {
		if i == 20 {
			g.t.Errorf("and %d more", len(problems)-i)
			break
		}
		g.t.Error(problem)
	}
	return f
}

// settle leaves the gateway alone until every record has come to its end, has Clay call back for every row, and ends
// the gateway in good order. Whatever has a row at Clay, and was not erased, has its result then.
func (g *gateway) settle() figures {
	g.t.Helper()
	g.must(g.clay.SetFaults())
	c := g.serve()
	for began := time.Now(); g.open() > 0; pause(g.t.Context(), 50*time.Millisecond) {
		if !c.alive() || time.Since(began) > 2*time.Minute {
			g.t.Fatalf("%d records never came to their end; it says:\n%s", g.open(), c.err)
		}
	}
	g.must(g.clay.WaitIdle(g.t.Context()))
	g.clay.RunMissing()
	g.must(g.clay.WaitIdle(g.t.Context()))
	for began := time.Now(); g.undelivered() > 0; pause(g.t.Context(), 50*time.Millisecond) {
		if !c.alive() || time.Since(began) > 2*time.Minute {
			g.t.Fatalf("%d ends were never forwarded; it says:\n%s", g.undelivered(), c.err)
		}
	}
	g.must(c.cmd.Process.Signal(os.Interrupt))
	c.mustEnd(0)
	f := g.mustExamine()
	f.forwarded = g.user.audit(g.t, g.before)
	rows := map[string]bool{}
	for _, row := range g.clay.Rows() {
		rows[ticketOf(g.t, row.Body).record] = true
	}
	for id := range g.acknowledged {
		id = recordOf(g.t, id)
		if e := g.before.records[id]; rows[id] && !e.erased && e.state != "done" { // what comes for an erased one is swallowed
			g.t.Errorf("record %s has a row at Clay, which called back, and is %s", id, e.state)
		}
	}
	return f
}

// undelivered asks the gateway how many ends are still to be forwarded; many, while it does not answer.
func (g *gateway) undelivered() (n int) {
	res, err := g.http.Get("http://" + g.api + "/v1/destinations")
	if err != nil {
		return 1
	}
	defer res.Body.Close()
	var list struct {
		Destinations []struct{ Waiting, Undelivered int }
	}
	if err := json.NewDecoder(res.Body).Decode(&list); err != nil || len(list.Destinations) != 1 {
		return 1
	}
	return list.Destinations[0].Waiting + list.Destinations[0].Undelivered
}

// open asks the gateway how many records still wait for something; many, while it does not answer.
func (g *gateway) open() (n int) {
	res, err := g.http.Get("http://" + g.api + "/v1/targets")
	if err != nil {
		return 1
	}
	defer res.Body.Close()
	var list struct {
		Targets []struct{ Counts map[string]int }
	}
	if err := json.NewDecoder(res.Body).Decode(&list); err != nil || len(list.Targets) != 1 {
		return 1
	}
	for _, state := range []string{"queued", "sending", "sent", "uncertain", "joined"} {
		n += list.Targets[0].Counts[state]
	}
	return n
}
