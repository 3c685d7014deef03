package client

import (
	"context"
	"time"
)

// Target is a place in Clay that records go to.
type Target struct {
	Name string `json:"name"`
	Kind string `json:"kind"` // "table", "routine" or "lookup"; "unknown" where it is not configured
	// Configured is false for a target that is not in the gateway's configuration although it has records: they stay as
	// they are until it is again.
	Configured bool     `json:"configured"`
	Await      bool     `json:"awaits_results"`
	DedupeBy   []string `json:"dedupe_by"` // the fields that make two records the same work
	Paused     *Pause   `json:"paused"`    // nil while it sends
	Held       *Held    `json:"held"`      // the budget that is spent, so that its records wait; nil while none is
	Cost       Cost     `json:"cost"`      // what a record is said to cost
	// ConfirmAbove is from which cost on a load from the command line is to ask first, in each meter; 0 for none.
	ConfirmAbove Cost          `json:"confirm_above"`
	Breaker      *Breaker      `json:"breaker"` // nil while it is closed
	Counts       map[State]int `json:"counts"`  // its records by state
	Webhooks     []Webhook     `json:"webhooks"`
}

// Pause is why a target sends nothing.
type Pause struct {
	Reason string `json:"reason"`
	Status int    `json:"status"` // what Clay answered; 0 when that was not the cause
}

// Breaker is why a target is sent one record at a time: most of what was sent to it failed.
type Breaker struct {
	Reason string    `json:"reason"`
	Next   time.Time `json:"next_probe_at,omitzero"` // zero when a probe may go now, or is under way
}

// Webhook is how much of a webhook is used up.
type Webhook struct {
	Used   int       `json:"used"`
	Limit  int       `json:"limit"`            // 0 for none
	PerDay *float64  `json:"per_day"`          // what it takes lately; nil while too little is known
	FullAt time.Time `json:"full_at,omitzero"` // when it will be used up at that rate; zero where that cannot be said
}

// Overview is how the gateway's targets stand.
type Overview struct {
	Targets []Target `json:"targets"`
	Stopped *string  `json:"stopped"` // why all sending is stopped; nil while it is not
	// StoppedWorkspaces says why the sending of single workspaces is.
	StoppedWorkspaces map[string]string `json:"stopped_workspaces"`
}

// Targets lists the targets that the key reaches.
func (c *Client) Targets(ctx context.Context) (Overview, error) {
	var o Overview
	return o, c.call(ctx, request{method: "GET", path: "/v1/targets", repeat: true}, &o)
}

// Pause stops a target's sends. The reason is for people; "" for none.
func (c *Client) Pause(ctx context.Context, target, reason string) (Target, error) {
	var t Target
	return t, c.post(ctx, targetPath(target)+"/pause", reasonBody(reason), &t)
}

// Resume lets a target send again.
func (c *Client) Resume(ctx context.Context, target string) (Target, error) {
	var t Target
	return t, c.post(ctx, targetPath(target)+"/resume", nil, &t)
}

// Reloaded is what a reload of the gateway's configuration changed.
type Reloaded struct {
	Targets int      `json:"targets"` // that there are now
	Added   []string `json:"added"`
	Removed []string `json:"removed"`
	Restart []string `json:"restart"` // keys of the configuration whose change takes a restart
}

// Reload makes the gateway read its configuration again. With any mistake in it the error names all of them, and the
// configuration from before goes on.
func (c *Client) Reload(ctx context.Context) (Reloaded, error) {
	var r Reloaded
	return r, c.post(ctx, "/v1/reload", nil, &r)
}
