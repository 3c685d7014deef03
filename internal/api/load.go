package api

import (
	"context"
	"encoding/hex"
	"net/http"
	"slices"

	"github.com/claygate/claygate/internal/intake"
	"github.com/claygate/claygate/internal/ledger"
)

// Loads is what the surface needs of the ledger for loads.
type Loads interface {
	intake.RunStore
	Secret(ctx context.Context, name string) ([]byte, error)
	Load(ctx context.Context, load ledger.Load) (ledger.LoadID, error)
	LoadOf(ctx context.Context, id ledger.LoadID) (ledger.Load, error)
	LoadCounts(ctx context.Context, id ledger.LoadID) (ledger.Counts, error)
}

// loadRoutes routes what is about loads. Ingest keys have no part in it: they hand records in and do no more.
func (s *server) loadRoutes() {
	const load = "/v1/loads/{id}"
	scopes := []ledger.Scope{ledger.ScopeSend, ledger.ScopeAdmin}
	s.on("POST /v1/targets/{target}/loads", s.openLoad, scopes...)
	s.on("POST /v1/targets/{workspace}/{target}/loads", s.openLoad, scopes...)
	s.on("POST "+load+"/rows", s.takeRows, scopes...)
	s.on("POST "+load+"/hold", s.holdLoad, scopes...)
	s.on("GET "+load, s.load, ledger.ScopeSend, ledger.ScopeRead)
}

// LoadView is how a load stands.
type LoadView struct {
	ID        string               `json:"id"`
	Target    string               `json:"target"`
	Name      string               `json:"name"`
	Emulated  bool                 `json:"emulated"`
	Await     bool                 `json:"awaits_results"`
	DedupeBy  []string             `json:"dedupe_by"` // the target's
	Counts    map[ledger.State]int `json:"counts"`    // its records by state
	Cached    int                  `json:"cached"`    // done without being sent
	Attempted int                  `json:"attempted"` // tried at Clay at least once
	Delivered int                  `json:"delivered"` // records of its target, of this load or not, that Clay has dealt with
	Paused    *Paused              `json:"paused"`
	Stopped   *string              `json:"stopped"`
	Held      *Held                `json:"held"`
}

// maxLoadName is the longest name of a load: a path, and how its rows are known.
const maxLoadName = 8 << 10

// openLoad answers POST /v1/targets/{target}/loads: the load of that name, which is made when there is none.
func (s *server) openLoad(c *call) error {
	t, err := s.target(c)
	if err != nil {
		return err
	}
	members, err := c.members("name", "fresh", "webhook")
	if err != nil {
		return err
	}
	load := ledger.Load{Target: t.Name}
	for _, m := range members {
		switch m.Name {
		case "name":
			load.Name, err = textMember(m, maxLoadName)
		case "fresh":
			load.Fresh, err = boolMember(m)
		case "webhook":
			err = t.feeds(m)
		}
		if err != nil {
			return err
		}
	}
	if load.Name == "" {
		return refusal(invalid, `the member "name" is missing`).but("the same name is the same load: a file's path, say")
	}
	ctx, done := c.change()
	defer done()
	id, err := s.Ledger.Load(ctx, load)
	if err != nil {
		return err
	}
	return s.answerLoad(c, t, id, load.Name)
}

// feeds refuses a load that is meant for a webhook which the target does not have.
func (t *Target) feeds(m intake.Member) error {
	text, err := textMember(m, 2*len(ledger.Digest{}))
	if err != nil || text == "" {
		return err
	}
	if slices.ContainsFunc(t.Webhooks, func(w ledger.Webhook) bool { return hex.EncodeToString(w.ID[:]) == text }) {
		return nil
	}
	return refusal(ledger.Conflict, "the target %s sends to another webhook than these rows are meant for", t.Name).
		but("unset CLAY_WEBHOOK_URL to send them there all the same, or hand them to another ledger")
}

// boolMember reads a member that is true, false, or null for false.
func boolMember(m intake.Member) (bool, error) {
	switch string(m.Value) {
	case "true":
		return true, nil
	case "false", "null":
		return false, nil
	}
	return false, refusal(invalid, "%q must be true or false", m.Name)
}

// load answers GET /v1/loads/{id}.
func (s *server) load(c *call) error {
	if _, err := c.params(); err != nil {
		return err
	}
	id, t, name, err := s.loadOf(c)
	if err != nil {
		return err
	}
	return s.answerLoad(c, t, id, name)
}

// holdLoad answers POST /v1/loads/{id}/hold: what has not left is canceled, until the load's rows are handed in again.
func (s *server) holdLoad(c *call) error {
	if _, err := c.members(); err != nil {
		return err
	}
	id, t, name, err := s.loadOf(c)
	if err != nil {
		return err
	}
	// It ends with the rows, and not with its client: a part that is held back helps nobody.
	if _, err := intake.Hold(context.WithoutCancel(c.Context()), s.Ledger, id); err != nil {
		return err
	}
	return s.answerLoad(c, t, id, name)
}

// loadOf returns the load that the path names, when the caller's key reaches its target.
func (s *server) loadOf(c *call) (ledger.LoadID, *Target, string, error) {
	missing := refusal(notFound, "there is no load %.40q", c.PathValue("id")).but("POST /v1/targets/{target}/loads gives out its name")
	id, ok, err := s.tags.id(c.Context(), c.PathValue("id"))
	if err != nil || !ok {
		if err == nil {
			err = missing
		}
		return 0, nil, "", err
	}
	load, err := s.Ledger.LoadOf(c.Context(), id)
	if err != nil {
		if ledger.KindOf(err) == notFound {
			err = missing
		}
		return 0, nil, "", err
	}
	t, ok := s.reached(c.who, load.Target)
	if !ok || t.Name != load.Target {
		return 0, nil, "", missing
	}
	return id, t, load.Name, nil
}

func (s *server) answerLoad(c *call, t *Target, id ledger.LoadID, name string) error {
	v, err := s.loadView(c, t, id)
	if err != nil {
		return err
	}
	v.Name = name
	return c.answer(http.StatusOK, v)
}

func (s *server) loadView(c *call, t *Target, id ledger.LoadID) (v LoadView, err error) {
	v = LoadView{
		Target: t.Name, Emulated: t.Emulated, Await: t.Await, DedupeBy: append([]string{}, t.DedupeBy...), Counts: map[ledger.State]int{},
	}
	if v.ID, err = s.tags.name(c.Context(), id); err != nil {
		return v, err
	}
	counts, err := s.Ledger.LoadCounts(c.Context(), id)
	if err != nil {
		return v, err
	}
	for _, state := range ledger.States {
		if n := counts.In(state); n > 0 {
			v.Counts[state] = n
		}
	}
	v.Cached, v.Attempted = counts[ledger.CountCached], counts[ledger.CountSent]
	status, err := s.Ledger.TargetStatus(c.Context(), t.Name)
	if err != nil {
		return v, err
	}
	v.Delivered = status.Counts.In(ledger.Sent, ledger.Uncertain, ledger.Done, ledger.Dead, ledger.Expired) - status.Counts[ledger.CountCached]
	if status.Paused.Reason != "" {
		v.Paused = &Paused{Reason: status.Paused.Reason, Status: status.Paused.Status}
	}
	v.Held = heldView(status.Short)
	stops, err := s.Ledger.Stopped(c.Context())
	if reason := stops.Of(ledger.WorkspaceOf(t.Name)); reason != "" {
		v.Stopped = &reason
	}
	return v, err
}
