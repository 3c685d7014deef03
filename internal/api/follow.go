package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/claygate/claygate/internal/ledger"
)

// Follows is what the surface needs of the ledger to keep what callers start through it.
type Follows interface {
	Run(ctx context.Context, id ledger.RunID) (ledger.Run, error)
	Follow(ctx context.Context, f ledger.Following) error
	Named(ctx context.Context, lane ledger.LaneID, clay string) (ledger.Run, error)
	Brought(ctx context.Context, id ledger.RunID, from, max int) ([][]byte, error)
	Completed(ctx context.Context, lane ledger.LaneID, clay string) (known bool, err error)
}

// runCall is a call about a run of a routine, told by its path.
type runCall struct {
	kind ledger.RunKind
	run  string // Clay's name for it; "" for a start
}

// aboutRun returns what a call that is passed through has to do with a run; ok is false for nothing.
func (c *call) aboutRun() (about runCall, ok bool) {
	rest, _ := strings.CutPrefix(c.URL.Path, PublicAPIPath)
	part := strings.Split(rest, "/")
	if part[0] != "routines" {
		return runCall{}, false
	}
	kinds := map[string]ledger.RunKind{"run": ledger.Inline, "run-batch": ledger.Bulk}
	switch {
	case c.Method == http.MethodPost && len(part) == 3 && part[2] == "run":
		return runCall{kind: ledger.Inline}, true
	case c.Method == http.MethodPost && len(part) == 4 && part[2] == "run-batch" && part[3] == "start":
		return runCall{kind: ledger.Bulk}, true
	case c.Method == http.MethodGet && len(part) == 4 && kinds[part[1]] != "" && part[2] != "" && part[3] == "results":
		return runCall{kinds[part[1]], part[2]}, true
	}
	return runCall{}, false
}

// heardOfRun has the ledger hear what an answer of Clay's tells of a run, before its caller does: that it has started, or,
// of one that is followed, that it has ended.
func (s *server) heardOfRun(c *call, up *Upstream, resp *http.Response) {
	about, ok := c.aboutRun()
	switch {
	case !ok:
	case about.run == "" && resp.StatusCode/100 == 2:
		s.follow(c, up, about.kind, resp)
	case about.run != "" && resp.StatusCode == http.StatusOK:
		s.ended(c, up, about)
	}
}

// maxStarted is how much of the answer to a start is looked at.
const maxStarted = 64 << 10

// follow begins to follow the run that has just started. It has started, and its caller is told so, whatever the ledger says.
func (s *server) follow(c *call, up *Upstream, kind ledger.RunKind, resp *http.Response) {
	head, err := io.ReadAll(io.LimitReader(resp.Body, maxStarted))
	resp.Body = unread{io.MultiReader(bytes.NewReader(head), &failing{resp.Body, err}), resp.Body}
	var started struct {
		Run string `json:"routine_run_id"`
	}
	if json.Unmarshal(head, &started) != nil || started.Run == "" {
		s.Log.Warn("Clay's answer to a start that was passed through names no run: nobody follows it", "workspace", up.Workspace)
		return
	}
	ctx, done := c.change()
	defer done()
	err = s.Ledger.Follow(ctx, ledger.Following{Lane: up.Lane, Clay: started.Run, Kind: kind, Size: c.items})
	if err != nil {
		s.Log.Error("a run that was started through the gateway is not followed", "workspace", up.Workspace, "clay", started.Run, "error", err)
	}
}

// unread is a body of which some has been read and put back.
type unread struct {
	io.Reader
	io.Closer
}

// failing is the rest of a body, or how reading it has failed.
type failing struct {
	rest io.Reader
	err  error
}

// Read implements io.Reader.
func (f *failing) Read(p []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return f.rest.Read(p)
}

// ended has the results of a run fetched now that its caller has heard of its end.
func (s *server) ended(c *call, up *Upstream, about runCall) {
	run, err := s.Ledger.Named(c.Context(), up.Lane, about.run)
	if err == nil && run.Followed && run.Kind == about.kind && run.State == ledger.RunRunning {
		ctx, done := c.change()
		defer done()
		_, err = s.Ledger.Completed(ctx, up.Lane, about.run)
	}
	if err != nil && ledger.KindOf(err) != ledger.NotFound {
		s.Log.Warn("the ledger did not hear of the end of a run that is followed", "clay", about.run, "error", err)
	}
}

// countItems counts the items of an inline start, for which its body is read to memory.
func (c *call) countItems(out *http.Request) error {
	about, ok := c.aboutRun()
	if !ok || about.run != "" || about.kind != ledger.Inline || out.Body == nil {
		return nil
	}
	body, err := io.ReadAll(out.Body)
	if err != nil {
		return unpassed(c, err)
	}
	var start map[string]json.RawMessage // a struct would take "Items" for items, which Clay does not
	var items []struct{}
	if json.Unmarshal(body, &start) != nil || start["items"] != nil && json.Unmarshal(start["items"], &items) != nil { // or Clay might read in it what nobody has counted
		return asClay(http.StatusBadRequest, `the body is not {"items": [{"id": …, "inputs": {…}}]}`)
	}
	c.items = len(items)
	out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return nil
}
