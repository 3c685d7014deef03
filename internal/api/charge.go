package api

import (
	"net/http"
	"strings"

	"github.com/claygate/claygate/internal/ledger"
)

// charge pays for a run that a call starts at Clay, from the budgets that pay for its routine. What is no start costs
// nothing that could be known.
func (s *server) charge(c *call, up *Upstream) error {
	about, ok := c.aboutRun()
	if !ok || about.run != "" {
		return nil
	}
	bill := ledger.Charge{Workspace: up.Workspace, Target: up.routine(c.URL.Path), APIKey: c.who.id(), Items: c.items}
	if about.kind == ledger.Bulk {
		bill.Items = ledger.Uncounted
	}
	ctx, done := c.change()
	defer done()
	paid, err := s.Ledger.Charge(ctx, bill)
	if err == nil {
		c.paid = &paid
	}
	return err
}

// routine returns the target whose routine a path is about; "" for none.
func (up *Upstream) routine(path string) string {
	rest, _ := strings.CutPrefix(path, PublicAPIPath+"routines/")
	id, _, _ := strings.Cut(rest, "/")
	return up.Routines[id]
}

// refund gives back what was paid for a call that surely started nothing.
func (s *server) refund(c *call) {
	if c.paid == nil || c.paid.Items == 0 {
		return
	}
	ctx, done := c.change()
	defer done()
	if err := s.Ledger.Refund(ctx, *c.paid); err != nil {
		s.Log.Error("what a call cost that started nothing was not given back", "workspace", c.paid.Workspace, "records", c.paid.Items, "error", err)
	}
	c.paid = nil
}

// startedNothing reports whether Clay says with a status that it began nothing: it refused the call, or dropped it.
func startedNothing(resp *http.Response) bool {
	switch resp.StatusCode {
	case http.StatusRequestTimeout: // a front end's, which may have passed the call on
		return false
	case http.StatusServiceUnavailable:
		return resp.Header.Get("Retry-After") != ""
	}
	return resp.StatusCode/100 == 4
}
