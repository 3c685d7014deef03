package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/claygate/claygate/internal/ledger/postgres/pgtest"
)

// told is an answer.
type told struct {
	status int
	retry  string // its Retry-After
	body   string
	took   time.Duration
}

// tell posts JSON to an address, once; a status of 0 is no answer.
func tell(ctx context.Context, address, body string) (a told) {
	began := time.Now()
	defer func() { a.took = time.Since(began) }()
	req, err := http.NewRequestWithContext(ctx, "POST", address, strings.NewReader(body))
	if err != nil {
		return told{body: err.Error()}
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		return told{body: err.Error()}
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return told{body: err.Error()}
	}
	return told{status: res.StatusCode, retry: res.Header.Get("Retry-After"), body: string(text)}
}

// Without its database a gateway takes nothing and says so, lets callbacks wait and then has Clay come again, goes on living,
// and works again by itself once the database is back.
func TestTheDatabaseIsGone(t *testing.T) {
	t.Parallel()
	c := pgtest.Start(t, pgtest.Options{})
	r := newReplicas(t, c, 1)
	n := r.nodes[0]
	n.start()
	records := "http://" + n.api + "/v1/targets/default/records"
	if a := tell(t.Context(), records, r.record("before@leads.example")); a.status != http.StatusAccepted {
		t.Fatalf("%+v", a)
	}
	r.must(r.clay.WaitRows(t.Context(), 1))
	row := r.clay.Rows()[0]
	var payload struct {
		ID string `json:"claygate_id"`
	}
	r.must(json.Unmarshal(row.Body, &payload))
	r.must(r.clay.WaitIdle(t.Context()))

	c.Stop(t, "immediate")
	var held told
	var waiting sync.WaitGroup
	waiting.Go(func() {
		held = tell(t.Context(), "http://"+r.callback+"/callbacks/default", fmt.Sprintf(`{"claygate_id":%q,"phone":"1"}`, payload.ID))
	})
	if a := tell(t.Context(), records, r.record("meanwhile@leads.example")); a.status != http.StatusServiceUnavailable || a.retry == "" {
		t.Errorf("a record was answered %+v", a)
	}
	if status := n.status("/readyz"); status != http.StatusServiceUnavailable {
		t.Errorf("/readyz says %d", status)
	}
	if status := n.status("/healthz"); status != http.StatusOK {
		t.Errorf("/healthz says %d", status)
	}
	waiting.Wait()
	if held.status != http.StatusTooManyRequests || held.retry == "" || held.took < 10*time.Second {
		t.Errorf("the callback was answered %+v", held)
	}
	if !n.alive() {
		t.Fatalf("it ended:\n%s", n.err)
	}
	if lines := bytes.Count([]byte(n.err.String()), []byte("\n")); lines > 500 {
		t.Errorf("it wrote %d lines meanwhile", lines)
	}
	if said := n.err.String(); strings.Contains(said, pgtest.Password) {
		t.Errorf("it shows the database's password:\n%s", said)
	}

	c.Restart(t)
	n.untilReady()
	for body, address := range map[string]string{
		r.record("after@leads.example"):                           records,
		fmt.Sprintf(`{"claygate_id":%q,"phone":"1"}`, payload.ID): "http://" + r.callback + "/callbacks/default",
	} {
		a := tell(t.Context(), address, body)
		for began := time.Now(); a.status/100 != 2 && a.retry != "" && time.Since(began) < 30*time.Second; { // as it asks for
			pause(t.Context(), 100*time.Millisecond)
			a = tell(t.Context(), address, body)
		}
		if a.status/100 != 2 {
			t.Errorf("afterwards %s was answered %+v", body, a)
		}
	}
	r.must(n.cmd.Process.Signal(os.Interrupt))
	n.mustEnd(0)
}

// Replicas are restarted in turn, as for a new version, while callers hand records in who try once more when they are not
// answered. None of them fails.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	r := newReplicas(t, pgtest.Start(t, pgtest.Options{Volatile: true}), 3)
	r.startAll()
	wait := r.twiceEach(t.Context())
	for range 2 {
		for _, n := range r.nodes {
			r.more(30)
			r.must(n.cmd.Process.Signal(os.Interrupt))
			n.mustEnd(0)
			n.start()
		}
	}
	wait()
	t.Log(r.settle())
}

// twiceEach has callers hand records in, who try once more when they are not answered, until wait is called.
func (r *replicas) twiceEach(ctx context.Context) (wait func()) {
	ctx, stop := context.WithCancel(ctx)
	var all sync.WaitGroup
	for caller := range 4 {
		all.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				r.twice(fmt.Sprintf("%d.%d@leads.example", caller, i))
				pause(ctx, 5*time.Millisecond)
			}
		})
	}
	return func() { stop(); all.Wait() }
}

// more waits until so many more records were acknowledged.
func (r *replicas) more(n int) {
	acknowledged := func() int {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.acknowledged)
	}
	for want, began := acknowledged()+n, time.Now(); acknowledged() < want; pause(r.t.Context(), 5*time.Millisecond) {
		if time.Since(began) > time.Minute {
			r.t.Fatalf("%d records are acknowledged, and no more come", acknowledged())
		}
	}
}

// twice hands a record in, and once more when it was not taken.
func (r *replicas) twice(email string) {
	address := "http://" + r.api + "/v1/targets/default/records"
	first := tell(r.t.Context(), address, r.record(email))
	if first.status == http.StatusAccepted || first.status == http.StatusOK {
		r.note([]byte(first.body), []string{email})
		return
	}
	second := tell(r.t.Context(), address, r.record(email))
	if second.status != http.StatusAccepted && second.status != http.StatusOK {
		r.t.Errorf("%s was answered %+v, and then %+v", email, first, second)
		return
	}
	r.note([]byte(second.body), []string{email})
}
