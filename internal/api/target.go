package api

import (
	"math"
	"net/http"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// target returns the target that the path names, when the caller's key reaches it.
func (s *server) target(c *call) (*Target, error) {
	name := c.PathValue("target")
	if workspace := c.PathValue("workspace"); workspace != "" {
		name = workspace + "/" + name
	}
	if t, ok := s.reached(c.who, name); ok {
		return t, nil
	}
	return nil, refusal(notFound, "there is no target %.100q", name).but("GET /v1/targets lists them")
}

// named returns the configured target of that name, see [ledger.FindTarget].
func (s *server) named(name string) (*Target, bool) { return s.reached(caller{}, name) }

// reached returns the configured target that a caller means by a name. Only what the caller's key covers is looked
// through: nothing else could be told from what does not exist, and a bare name means the caller's own target whoever
// else has one that is called so.
func (s *server) reached(who caller, name string) (*Target, bool) {
	var within []*Target
	targets := s.Targets()
	for i := range targets {
		if who.reaches(targets[i].Name) {
			within = append(within, &targets[i])
		}
	}
	i := ledger.FindTarget(func(yield func(string) bool) {
		for _, t := range within {
			if !yield(t.Name) {
				return
			}
		}
	}, name)
	if i < 0 {
		return nil, false
	}
	return within[i], true
}

// TargetView is a target as callers see it.
type TargetView struct {
	Name string `json:"name"`
	Kind string `json:"kind"` // "unknown" when it is not configured
	// Configured is false for a target that is not in the configuration although it has records: they stay as they are
	// until it is again.
	Configured bool                 `json:"configured"`
	Await      bool                 `json:"awaits_results"`
	DedupeBy   []string             `json:"dedupe_by"`
	Paused     *Paused              `json:"paused"` // null while it sends
	Held       *Held                `json:"held"`   // the budget that is spent, so that its records wait; null while none is
	Cost       Cost                 `json:"cost"`   // what a record is said to cost
	Confirm    Cost                 `json:"confirm_above"`
	Breaker    *Breaker             `json:"breaker"` // null while it is closed
	Counts     map[ledger.State]int `json:"counts"`  // records by state
	Webhooks   []Webhook            `json:"webhooks"`
}

// Paused is why a target sends nothing.
type Paused struct {
	Reason string `json:"reason"`
	Status int    `json:"status"` // what Clay answered; 0 when that was not the cause
}

// Breaker is why a target is sent one record at a time: most of what was sent to it failed.
type Breaker struct {
	Reason string     `json:"reason"`
	Next   *time.Time `json:"next_probe_at"` // null when one may go now, or is under way
}

// Webhook is how much of a webhook is used up. Which URL it has is a secret.
type Webhook struct {
	Used   int        `json:"used"`    // what was counted, and the start value
	Limit  int        `json:"limit"`   // 0 for none
	PerDay *float64   `json:"per_day"` // what it takes lately; null while too little is known
	FullAt *time.Time `json:"full_at"` // when it will be used up at that rate, or now; null where that cannot be said
}

// Targets is the list of targets.
type Targets struct {
	Targets []TargetView `json:"targets"`
	Stopped *string      `json:"stopped"` // why all sending is stopped; null while it is not
	// StoppedWorkspaces says why that of single workspaces is, of those that the caller sees something of.
	StoppedWorkspaces map[string]string `json:"stopped_workspaces"`
}

func (l *Targets) stopped(stops ledger.Stops) {
	is := stoppedView(stops)
	l.Stopped, l.StoppedWorkspaces = is.Stopped, map[string]string{}
	for _, t := range l.Targets {
		if workspace := ledger.WorkspaceOf(t.Name); is.Workspaces[workspace] != "" {
			l.StoppedWorkspaces[workspace] = is.Workspaces[workspace]
		}
	}
}

// targets answers GET /v1/targets.
func (s *server) targets(c *call) error {
	_, err := c.params()
	if err != nil {
		return err
	}
	list := Targets{Targets: []TargetView{}}
	targets := s.Targets()
	for i := range targets {
		t := &targets[i]
		if !c.who.reaches(t.Name) {
			continue
		}
		v, err := s.targetView(c, t)
		if err != nil {
			return err
		}
		list.Targets = append(list.Targets, v)
	}
	if list.Targets, err = s.strays(c, targets, list.Targets); err != nil {
		return err
	}
	stops, err := s.Ledger.Stopped(c.Context())
	if err != nil {
		return err
	}
	list.stopped(stops)
	return c.answer(http.StatusOK, list)
}

func (s *server) targetView(c *call, t *Target) (TargetView, error) {
	v := TargetView{
		Name: t.Name, Kind: t.Kind, Configured: t.Kind != unknownKind, Await: t.Await, DedupeBy: append([]string{}, t.DedupeBy...),
		Counts: map[ledger.State]int{}, Webhooks: []Webhook{},
	}
	status, err := s.Ledger.TargetStatus(c.Context(), t.Name)
	if err != nil {
		return v, err
	}
	if status.Paused.Reason != "" {
		v.Paused = &Paused{Reason: status.Paused.Reason, Status: status.Paused.Status}
	}
	v.Held, v.Cost, v.Confirm = heldView(status.Short), costView(t.Price()), costView(t.ConfirmAbove)
	if b := status.Breaker; b.Open() {
		v.Breaker = &Breaker{Reason: b.Reason()}
		if b.Hold > 0 {
			v.Breaker.Next = moment(time.Now().Add(b.Hold))
		}
	}
	for _, state := range ledger.States {
		if n := status.Counts.In(state); n > 0 {
			v.Counts[state] = n
		}
	}
	v.Webhooks, err = s.webhooksOf(c, t)
	return v, err
}

// webhooksOf returns how much of each of the target's webhooks is used up, and when it will be.
func (s *server) webhooksOf(c *call, t *Target) ([]Webhook, error) {
	ids := make([]ledger.Digest, len(t.Webhooks))
	for i, w := range t.Webhooks {
		ids[i] = w.ID
	}
	flows, err := s.Ledger.Flows(c.Context(), ids)
	if err != nil {
		return nil, err
	}
	views, in := make([]Webhook, len(ids)), t.FullIn(flows)
	for i, w := range t.Webhooks {
		views[i] = Webhook{Used: flows[w.ID].Submissions + w.Start, Limit: w.Limit}
		if n, ok := flows[w.ID].PerDay(); ok {
			n = math.Round(10*n) / 10
			views[i].PerDay = &n
		}
		if in[i] != ledger.Never {
			views[i].FullAt = moment(time.Now().Add(in[i]).Truncate(time.Second))
		}
	}
	return views, nil
}

// pause answers POST /v1/targets/{target}/pause.
func (s *server) pause(c *call) error {
	t, err := s.target(c)
	if err != nil {
		return err
	}
	reason, err := c.reason("paused through the API")
	if err != nil {
		return err
	}
	if err := s.note(c, ledger.PausedTarget, t.Name); err != nil {
		return err
	}
	ctx, done := c.change()
	defer done()
	if err := s.Ledger.Pause(ctx, t.Name, ledger.Pause{Reason: reason}); err != nil {
		return err
	}
	return s.answerTarget(c, t)
}

// resume answers POST /v1/targets/{target}/resume.
func (s *server) resume(c *call) error {
	t, err := s.target(c)
	if err != nil {
		return err
	}
	if _, err := c.members(); err != nil {
		return err
	}
	if err := s.note(c, ledger.ResumedTarget, t.Name); err != nil {
		return err
	}
	ctx, done := c.change()
	defer done()
	if err := s.Ledger.Resume(ctx, t.Name); err != nil {
		return err
	}
	return s.answerTarget(c, t)
}

func (s *server) answerTarget(c *call, t *Target) error {
	v, err := s.targetView(c, t)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, v)
}
