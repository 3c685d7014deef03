package api

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// PublicAPIPath is where Clay has its Public API, and where this gateway passes calls of it through. See also workspacesPath.
const PublicAPIPath = "/public/v0/"

// Upstream is Clay's Public API as one workspace reaches it.
type Upstream struct {
	Workspace string
	URL       string            // its base, such as "https://api.clay.com"; [PublicAPIPath] follows
	Key       string            // the workspace's, which no caller ever sees
	Lane      ledger.LaneID     // paces all calls of the workspace
	Routines  map[string]string // the target by the id of its routine
	Emulated  bool
}

const (
	passTurn  = 10 * time.Second  // how long a call waits for its turn before it is told to come again
	passTime  = 110 * time.Second // and for Clay's whole answer
	maxPassed = 16 << 20          // bytes of a call: a run takes 100 items, and nothing takes larger ones than a table's 100 KB
	maxAnswer = 64 << 20          // bytes of an answer
	workspace = "Claygate-Workspace"
)

// pass answers whatever comes under [PublicAPIPath] with Clay's own answer, got with the workspace's key and at its pace.
// What the gateway itself refuses is in the shape of Clay's refusals there.
func (s *server) pass(c *call) error {
	if err := s.passOn(c); err != nil {
		r := s.clayRefusal(err)
		r.hurry(c)
		return c.answer(r.status, struct {
			Message string `json:"message"`
		}{r.message})
	}
	return nil
}

func (s *server) passOn(c *call) error {
	up, err := s.upstream(c)
	if err != nil {
		return err
	}
	if answered, err := s.keptAnswer(c, up); answered || err != nil {
		return err
	}
	out, err := c.outgoing(up)
	if err != nil {
		return err
	}
	if err := c.countItems(out); err != nil {
		return err
	}
	if err := s.passable(c, up); err != nil {
		return err
	}
	if err := s.charge(c, up); err != nil {
		return err
	}
	if err := s.turn(c, up.Lane); err != nil {
		s.refund(c)
		return err
	}
	return s.exchange(c, up, out)
}

// upstream lets the caller in and returns the workspace that the call is for: the one that it names, else the only one,
// else main, of those that the caller's key covers whole. A key that is bound to targets covers none.
func (s *server) upstream(c *call) (*Upstream, error) {
	c.keyIn("Clay-Api-Key")
	if err := s.admit(c); err != nil {
		return nil, err
	}
	for _, scope := range []ledger.Scope{ledger.ScopeSend, ledger.ScopeRead} {
		if err := c.who.allowed([]ledger.Scope{scope}); err != nil {
			return nil, err
		}
	}
	key := c.who.key
	if c.who.bound() && len(key.Workspaces) == 0 {
		return nil, refusal(forbidden, "the key is bound to targets, and the Public API reaches the whole workspace: use a key that is not")
	}
	var all []Upstream
	if s.Upstreams != nil {
		all = slices.DeleteFunc(slices.Clone(s.Upstreams()), func(up Upstream) bool { return key != nil && !key.Whole(up.Workspace) })
	}
	name := c.Header.Get(workspace)
	if name == "" && len(all) != 1 {
		name = ledger.MainWorkspace
		if c.who.bound() && len(key.Workspaces) == 1 {
			name = key.Workspaces[0]
		}
	}
	i := slices.IndexFunc(all, func(up Upstream) bool { return name == "" || up.Workspace == name })
	switch {
	case i >= 0:
		return &all[i], nil
	case c.Header.Get(workspace) == "" && len(all) > 1:
		return nil, refusal(notFound, "several workspaces have a public_api_key: name one in the header %s", workspace)
	}
	return nil, refusal(notFound, "the workspace %.100q has no public_api_key in the gateway's configuration: set one", name)
}

// passable refuses what is stopped: everything but reading, or the runs of a routine whose target is paused.
func (s *server) passable(c *call, up *Upstream) error {
	if c.Method == http.MethodGet || c.stopsRun() {
		return nil
	}
	stops, err := s.Ledger.Stopped(c.Context())
	if err != nil {
		return err
	}
	if reason := stops.Of(up.Workspace); reason != "" {
		return asClay(http.StatusServiceUnavailable, "its sending is stopped: %s; claygate start lets it go on", reason)
	}
	rest, ok := strings.CutPrefix(c.URL.Path, PublicAPIPath+"routines/")
	id, _, _ := strings.Cut(rest, "/")
	target, known := up.Routines[id]
	if !ok || !known {
		return nil
	}
	status, err := s.Ledger.TargetStatus(c.Context(), target)
	if err != nil {
		return err
	}
	if status.Paused.Reason != "" {
		return asClay(http.StatusServiceUnavailable, "the target %s, whose routine this is, is paused: %s", target, status.Paused.Reason)
	}
	return nil
}

// turn takes a token of the lane, when there is one in time.
func (s *server) turn(c *call, lane ledger.LaneID) error {
	changed, cancel := s.Hub.Subscribe(lane)
	defer cancel()
	until := time.NewTimer(passTurn)
	defer until.Stop()
	for over := false; ; {
		granted, wait, err := s.token(c, lane)
		if err != nil || granted > 0 {
			return err
		}
		if over {
			return &clayRefusal{
				status: http.StatusTooManyRequests, after: int(min(max(wait, 1), time.Hour)/time.Second) + 1,
				message: "the workspace's calls wait for their turn, at the pace that api_pace sets or Clay asked for",
			}
		}
		next := time.NewTimer(max(wait, time.Millisecond))
		select {
		case <-next.C:
		case <-changed:
		case <-until.C:
			over = true
		case <-s.Stop.Done():
			over = true
		case <-c.Context().Done():
			err = c.Context().Err()
		}
		next.Stop()
		if err != nil {
			return err
		}
	}
}

// token asks for one. Whether it was granted is always known, because the lane may be waiting for what came of it.
func (s *server) token(c *call, lane ledger.LaneID) (int, time.Duration, error) {
	ctx, done := c.change()
	defer done()
	return s.Ledger.Take(ctx, lane, 1)
}

// tell lets the lane hear how a call went that took a token at a time.
func (s *server) tell(c *call, lane ledger.LaneID, signal ledger.Signal) {
	ctx, done := c.change()
	defer done()
	signal.Jitter = rand.Float64()
	if err := s.Ledger.Report(ctx, lane, signal); err != nil && !errors.Is(err, context.Canceled) {
		s.Log.Warn("the ledger did not hear how a call that was passed through went", "lane", lane, "error", err)
	}
}

// outgoing returns the request to Clay. Of the caller's header only what says something about the body and the client goes
// along; a repeat is never asked for, because Clay does not know repeats and Go's transport would make one by itself.
func (c *call) outgoing(up *Upstream) (*http.Request, error) {
	switch c.Method {
	case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
	default:
		return nil, refusal(methodNotAllowed, "%.20s is not passed through", c.Method)
	}
	path := c.URL.EscapedPath()
	under := strings.HasPrefix(path, PublicAPIPath) || strings.HasPrefix(path, workspacesPath)
	if segments := strings.Split(c.URL.Path, "/"); !under || slices.Contains(segments, "..") || slices.Contains(segments, ".") {
		return nil, refusal(notFound, "there is nothing at %.200q", c.URL.Path)
	}
	if e := c.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return nil, refusal(unsupported, "the body is compressed with %.40q", e)
	}
	if c.ContentLength > maxPassed {
		return nil, asClay(http.StatusRequestEntityTooLarge, "the body is %d bytes, and %d is the most", c.ContentLength, maxPassed)
	}
	u, err := url.Parse(strings.TrimSuffix(up.URL, "/") + path)
	if err != nil {
		return nil, refusal(notFound, "there is nothing at %.200q", c.URL.Path)
	}
	u.RawQuery = c.URL.RawQuery
	out := &http.Request{Method: c.Method, URL: u, Host: u.Host, Header: http.Header{}, ContentLength: c.ContentLength}
	if c.ContentLength != 0 {
		out.Body = http.MaxBytesReader(c.w, c.Body, maxPassed)
	}
	for name, values := range c.Header {
		if goesOut(name) {
			out.Header[name] = values
		}
	}
	if out.Header.Get("User-Agent") == "" {
		out.Header.Set("User-Agent", "claygate")
	}
	out.Header.Set("Clay-Api-Key", up.Key)
	return out, nil
}

// goesOut reports whether a field of a caller's header is passed on.
func goesOut(name string) bool {
	switch name {
	case "Accept", "Accept-Language", "Content-Type", "User-Agent":
		return true
	}
	return strings.HasPrefix(name, "X-Clay-Client")
}
