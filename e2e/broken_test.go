//go:build unix

package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A gateway whose disk failed went on for ever, and refused everything. Here writes fail once a file has reached the size
// that the process may write (EFBIG), which is no full disk: nobody knows what is on it.
func TestGatewayEndsWithItsDisk(t *testing.T) {
	g := newGateway(t, 40, "1m")
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	env := g.environment()
	args := []string{"serve", "--config", g.config, "--log-level", "warn"}
	c := launch(t, "/bin/sh", env, append([]string{"-c", `ulimit -f 8000 && exec "$0" "$@"`, path}, args...)...)
	g.untilServed()
	accepted, padding := 0, strings.Repeat("x", 50_000)
	for n := 0; c.alive() && n < 2000; n++ {
		body := fmt.Sprintf(`{"fields":{"email":"%d@leads.example","padding":%q}}`, n, padding)
		res, err := g.http.Post("http://"+g.api+"/v1/targets/default/records", "application/json", strings.NewReader(body))
		if err != nil {
			break
		}
		res.Body.Close()
		if res.StatusCode == http.StatusAccepted {
			accepted++
		}
	}
	if code, said := c.wait(); code != 1 || !strings.Contains(said, "the disk failed under the ledger") {
		t.Errorf("exit %d; it said:\n%s", code, said)
	}
	launch(t, path, env, args...)
	g.untilServed()
	kept := g.countRecords()
	if accepted == 0 || kept < accepted {
		t.Errorf("%d of %d acknowledged records are there", kept, accepted)
	}
}

// countRecords returns how many records the gateway has.
func (g *gateway) countRecords() (n int) {
	g.t.Helper()
	res, err := g.http.Get("http://" + g.api + "/v1/targets")
	g.must(err)
	defer res.Body.Close()
	var list struct {
		Targets []struct{ Counts map[string]int }
	}
	g.must(json.NewDecoder(res.Body).Decode(&list))
	for _, target := range list.Targets {
		for _, in := range target.Counts {
			n += in
		}
	}
	return n
}

// untilServed waits until the gateway answers.
func (g *gateway) untilServed() {
	g.t.Helper()
	for range 500 {
		if res, err := g.http.Get("http://" + g.api + "/readyz"); err == nil {
			res.Body.Close()
			return
		}
		pause(g.t.Context(), 20*time.Millisecond)
	}
	g.t.Fatal("it is not served")
}
