package api

import (
	"context"
	"errors"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// How long a client may take to hand in a request, and to take its answer. Waits and streams move these forward.
const (
	readTime  = 30 * time.Second
	writeTime = 30 * time.Second
)

// call is one request on its way to its answer.
type call struct {
	w http.ResponseWriter
	*http.Request
	control *http.ResponseController
	who     caller
	paid    *ledger.Charge // for the run that it starts at Clay; nil for nothing
	items   int            // of the run that it starts, where that can be told
}

// handler answers a call, or returns why not.
type handler func(*call) error

// on routes a pattern to callers who have one of the scopes.
func (s *server) on(pattern string, h handler, scopes ...ledger.Scope) {
	s.public(pattern, func(c *call) error {
		if err := s.admit(c); err != nil {
			return err
		}
		if err := c.who.allowed(scopes); err != nil {
			return err
		}
		return h(c)
	})
}

// onTarget routes what is under a target, which is named with or without its workspace.
func (s *server) onTarget(method, rest string, scope ledger.Scope, h handler) {
	s.on(method+" /v1/targets/{target}"+rest, h, scope)
	s.on(method+" /v1/targets/{workspace}/{target}"+rest, h, scope)
}

// onAll routes a pattern to administrators of everything: their keys are bound to nothing.
func (s *server) onAll(pattern string, h handler) {
	s.on(pattern, func(c *call) error {
		if c.who.bound() {
			return refusal(forbidden, "this concerns the whole gateway, and the key is bound to a part of it")
		}
		return h(c)
	}, ledger.ScopeAdmin)
}

// visited routes a pattern to whoever could call at all, with or without a key: nothing in it is secret.
func (s *server) visited(pattern string, h handler) {
	s.public(pattern, func(c *call) error {
		if err := s.greet(c); err != nil {
			return err
		}
		return h(c)
	})
}

// public routes a pattern to everybody.
func (s *server) public(pattern string, h handler) {
	s.routed = append(s.routed, pattern)
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, h) })
}

// ServeHTTP implements http.Handler.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// serve runs a handler and writes its refusal, if any.
func (s *server) serve(w http.ResponseWriter, r *http.Request, h handler) {
	c := &call{w: w, Request: r, control: http.NewResponseController(w)}
	now := time.Now()
	if r.ContentLength != 0 { // without a body the server already reads, to learn when the client leaves: no end to that
		_ = c.control.SetReadDeadline(now.Add(readTime)) // not every writer can, and then its server sees to it
	}
	_ = c.control.SetWriteDeadline(now.Add(readTime + writeTime)) // who read slowly is still answered
	defer s.rescue(c)
	if err := h(c); err != nil {
		s.refuse(c, err)
	}
}

// rescue turns a defect into an answer.
func (s *server) rescue(c *call) {
	switch cause := recover(); cause {
	case nil:
	case http.ErrAbortHandler:
		panic(cause)
	default:
		s.Log.Error("a request met a defect", "path", c.URL.Path, "panic", cause, "stack", string(debug.Stack()))
		s.refuse(c, errors.New("a defect"))
	}
}

// changeTime bounds a change in the ledger. A group of them is committed in milliseconds; a disk may stall.
const changeTime = 25 * time.Second

// change is the context of what changes something: once it has begun it is not given up because its client leaves,
// or has closed its own side after it had said everything.
func (c *call) change() (context.Context, context.CancelFunc) { return c.changeWithin(changeTime) }

// changeWithin is [call.change] for what takes longer.
func (c *call) changeWithin(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(c.Context()), d)
}

// patient lets the answer take its time.
func (c *call) patient(wait time.Duration) {
	_ = c.control.SetWriteDeadline(time.Now().Add(wait + writeTime))
}

// nowhere answers what no route takes.
func (s *server) nowhere(w http.ResponseWriter, r *http.Request) {
	s.serve(w, r, func(c *call) error {
		if err := s.admit(c); err != nil {
			return err
		}
		if allowed := s.methods(r); len(allowed) > 0 {
			c.w.Header().Set("Allow", strings.Join(allowed, ", "))
			return refusal(methodNotAllowed, "%.20s is not possible here, only %s", r.Method, strings.Join(allowed, ", "))
		}
		return refusal(notFound, "there is nothing at %.200q", r.URL.Path)
	})
}

// methods returns the methods that a path takes.
func (s *server) methods(r *http.Request) []string {
	var allowed []string
	probe := *r
	for _, method := range []string{"GET", "POST", "DELETE"} {
		probe.Method = method
		if _, pattern := s.mux.Handler(&probe); pattern != "/" && pattern != "" && method != r.Method {
			allowed = append(allowed, method)
		}
	}
	slices.Sort(allowed)
	return allowed
}
