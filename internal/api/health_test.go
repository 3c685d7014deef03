package api_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// A gateway whose disk is full is not ready, and is tried again by itself.
func TestReadiness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t, setup{})
		f := g.store.(*fake)
		ready := func(want int, when string) {
			t.Helper()
			if got := g.do("GET", "/readyz", ""); got.status != want || (got.header.Get("Retry-After") != "") != (want == 503) {
				t.Errorf("%s it is %d, want %d: %s", when, got.status, want, got.body)
			}
		}
		ready(200, "at first")
		if got := g.plain(request("HEAD", "/readyz", "")); got.status != 200 {
			t.Errorf("HEAD is answered %d", got.status)
		}
		f.fail(&ledger.Error{Kind: ledger.Unavailable, Op: "read"})
		ready(503, "while the ledger does not answer")
		f.fail(&ledger.Error{Kind: ledger.Full, Op: "accept"})
		if got := g.do("POST", "/v1/targets/people/records", onePerson); got.status != 503 {
			t.Errorf("a record that has no space is answered %d", got.status)
		}
		f.fail(nil)
		ready(503, "while the disk is full")
		time.Sleep(fullTime)
		ready(200, "when it may have space again")
	})
}

// fullTime is how long a full disk makes a gateway not ready.
const fullTime = 10 * time.Second
