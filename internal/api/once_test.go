package api_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/claygate/claygate/internal/ledger"
)

func TestIdempotencyKey(t *testing.T) {
	g := newGateway(t, onDisk(t))
	const path, key = "/v1/targets/people/records", "Idempotency-Key: order 4711"
	first := g.do("POST", path, onePerson, key)
	id := decode[record](t, first).ID
	if first.status != 202 || first.header.Get("Idempotent-Replayed") != "" {
		t.Errorf("the first is answered %d, replayed %q", first.status, first.header.Get("Idempotent-Replayed"))
	}
	again := g.do("POST", path, onePerson, key)
	if r := decode[record](t, again); again.status != 202 || r.ID != id || again.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("again it is %d %s", again.status, again.body)
	}
	if got := g.do("POST", path, onePerson+" ", key); got.status != 422 || strings.Contains(got.body, id) {
		t.Errorf("another body is answered %d %s", got.status, got.body)
	}
	if got := g.do("POST", "/v1/targets/eu/firms/records", onePerson, key); decode[record](t, got).ID == id {
		t.Error("the key of one target is another's as well")
	}
	parsed, _ := ledger.ParseRecordID(id)
	g.apply(parsed, ledger.Result{Fields: []byte(`{"title":"Countess"}`)})
	now := g.do("POST", path+"?wait=10s", onePerson, key)
	if r := decode[record](t, now); now.status != 200 || r.ID != id || string(r.Result) != `{"title":"Countess"}` {
		t.Errorf("when it is done it is %d %s", now.status, now.body)
	}
}

// Two callers who chose the same idempotency key do not get each other's records.
func TestIdempotencyKeyOfTwoCallers(t *testing.T) {
	g := newGateway(t, setup{guarded: true})
	a, _ := g.minted(`{"scopes":["admin"]}`, "")
	b, _ := g.minted(`{"scopes":["send"]}`, a)
	const path, key = "/v1/targets/people/records", "Idempotency-Key: 1"
	one := decode[record](t, g.do("POST", path, onePerson, key, a))
	other := g.do("POST", path, `{"fields":{"email":"b@example.com"}}`, key, b)
	if other.status != 202 || decode[record](t, other).ID == one.ID {
		t.Errorf("the other caller is answered %d %s", other.status, other.body)
	}
}

// Requests under one key that come at once are one record.
func TestIdempotencyKeyAtOnce(t *testing.T) {
	g := newGateway(t, onDisk(t))
	var mu sync.Mutex
	ids := map[string]int{}
	var callers sync.WaitGroup
	for range 20 {
		callers.Go(func() {
			w := httptest.NewRecorder()
			g.handler.ServeHTTP(w, request("POST", "/v1/targets/people/records", onePerson, "Idempotency-Key: k"))
			mu.Lock()
			defer mu.Unlock()
			ids[fmt.Sprint(w.Code, " ", w.Header().Get("Location"))]++
		})
	}
	callers.Wait()
	if len(ids) != 1 {
		t.Errorf("the answers are %v, want one record", ids)
	}
}

// A recent result answers at once and costs nothing, unless the caller wants a fresh one.
func TestCached(t *testing.T) {
	o := onDisk(t)
	o.dedupeBy = []string{"email"}
	g := newGateway(t, o)
	g.finish(g.submit("people", onePerson), `{"title":"Countess"}`)
	tests := map[string]struct {
		query, item string
		status      int
	}{
		"as configured":         {"", ``, 200},
		"and for one who waits": {"?wait=10s", ``, 200},
		"a day old at most":     {"?max_age=1d", ``, 200},
		"forced":                {"?max_age=0", ``, 202},
		"forced in the record":  {"", `,"max_age":0`, 202},
		"the record knows best": {"?max_age=0", `,"max_age":"30d"`, 200},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := g.do("POST", "/v1/targets/people/records"+tt.query, `{"fields":{"email":"ADA@example.com "},"metadata":{"n":1}`+tt.item+`}`)
			r := decode[record](t, got)
			if got.status != tt.status || r.Cached != (tt.status == 200) || string(r.Metadata) != `{"n":1}` {
				t.Errorf("status %d: %s", got.status, got.body)
			}
			if tt.status == 200 && string(r.Result) != `{"title":"Countess"}` {
				t.Errorf("its result is %s", r.Result)
			}
			if tt.status == 202 { // make room for the next
				id, _ := ledger.ParseRecordID(r.ID)
				g.finish(id, `{"title":"Countess"}`)
			}
		})
	}
}

// A record that shares the work of one with another input says so.
func TestInputDiffers(t *testing.T) {
	g := newGateway(t, setup{dedupeBy: []string{"email"}})
	g.submit("people", onePerson)
	const same, other = `{"fields":{ "email":"ada@example.com"}}`, `{"fields":{"email":"ada@example.com","title":"?"}}`
	got := g.do("POST", "/v1/targets/people/records", "["+same+","+other+"]").body +
		g.do("POST", "/v1/targets/people/records", same).body + g.do("POST", "/v1/targets/people/records", other).body +
		g.do("POST", "/v1/targets/people/records", same+"\n"+other, asLines).body
	if n := strings.Count(got, `"input_differs":true`); n != 3 || strings.Count(got, `"joined"`) != 6 {
		t.Errorf("%d of 6 say that their input differs, want 3: %s", n, got)
	}
}
