package clay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// CallbackHandler is an http.Handler for the POSTs of Clay's HTTP API columns. It
// authenticates before it reads, bounds what it reads, has the callback stored, and
// only then answers 200. Everything that may pass is answered with 429, because
// that is what Clay tries again by default; 5xx it does not (docs/clay.md). Make one
// with NewCallbackHandler; a zero one refuses everything.
type CallbackHandler struct {
	cfg     CallbackConfig
	room    chan struct{} // one per call of After that waits or runs
	workers chan struct{} // one per call of After that runs

	mu      sync.Mutex
	closed  bool
	pending sync.WaitGroup // requests and calls of After
	abandon context.CancelFunc
	after   context.Context
}

// NewCallbackHandler checks cfg and returns a handler. The error is of KindConfig.
// Call Shutdown before the program ends if After is used.
func NewCallbackHandler(cfg CallbackConfig) (*CallbackHandler, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	cfg.Secrets = slices.Clone(cfg.Secrets)
	h := &CallbackHandler{cfg: cfg, room: make(chan struct{}, cfg.Queue), workers: make(chan struct{}, cfg.Workers)}
	h.after, h.abandon = context.WithCancel(context.Background())
	return h, nil
}

// reply is what Clay hears, and shows in the cell.
type reply struct {
	status int
	text   string
	cause  error // for the log
}

// ServeHTTP receives one callback.
func (h *CallbackHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rep := h.receive(w, r)
	if rep.status != http.StatusOK && h.cfg.Logger != nil {
		h.cfg.Logger.Warn("clay: callback not stored", "status", rep.status, "reason", rep.text, "error", rep.cause)
	}
	w.Header().Set("Content-Type", "application/json")
	switch rep.status {
	case http.StatusOK:
		_, _ = io.WriteString(w, `{"ok":true}`)
		return
	case http.StatusTooManyRequests:
		w.Header().Set("Retry-After", "5")
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodPost)
	}
	w.WriteHeader(rep.status)
	_ = json.NewEncoder(w).Encode(map[string]any{"ok": false, "error": rep.text})
}

func (h *CallbackHandler) receive(w http.ResponseWriter, r *http.Request) reply {
	if err := h.cfg.authenticate(r); err != nil {
		return reply{http.StatusUnauthorized, "wrong or missing secret: give the column the header " + h.cfg.Header + " with the configured value", err}
	}
	if r.Method != http.MethodPost {
		return reply{status: http.StatusMethodNotAllowed, text: "set the column's method to POST"}
	}
	if !h.enter() {
		return reply{status: http.StatusTooManyRequests, text: "shutting down, try again"}
	}
	defer h.pending.Done()
	if h.cfg.After == nil {
		_, rep := h.keep(w, r)
		return rep
	}
	select { // room first: what is stored must not miss its After
	case h.room <- struct{}{}:
	default:
		return reply{status: http.StatusTooManyRequests, text: "too much waiting, try again"}
	}
	passed := false
	defer func() { // also when reading the body panics
		if !passed {
			<-h.room
		}
	}()
	cb, rep := h.keep(w, r)
	if rep.status == http.StatusOK {
		passed = true
		h.pending.Add(1)
		go h.runAfter(cb)
	}
	return rep
}

// keep reads a callback and has it stored, within Timeout.
func (h *CallbackHandler) keep(w http.ResponseWriter, r *http.Request) (Callback, reply) {
	deadline := time.Now().Add(h.cfg.Timeout)
	cb, rep := h.read(w, r, deadline)
	if rep.status != 0 {
		return Callback{}, rep
	}
	// Clay may hang up while a callback is being stored; that is no reason to lose it.
	ctx, cancel := context.WithDeadline(context.WithoutCancel(r.Context()), deadline)
	defer cancel()
	return cb, h.store(ctx, cb)
}

// enter counts a request in, unless the handler is shut down.
func (h *CallbackHandler) enter() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	h.pending.Add(1)
	return true
}

func (h *CallbackHandler) read(w http.ResponseWriter, r *http.Request, deadline time.Time) (Callback, reply) {
	var body []byte
	var err error
	if r.Body != nil { // nil only when a test calls with what it made for a client
		// Not every server lets a deadline be set; then its own timeouts hold.
		_ = http.NewResponseController(w).SetReadDeadline(deadline)
		body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, h.cfg.MaxBytes))
	}
	var tooBig *http.MaxBytesError
	switch {
	case errors.As(err, &tooBig):
		return Callback{}, reply{http.StatusRequestEntityTooLarge, fmt.Sprintf("the body has more than %d bytes", h.cfg.MaxBytes), err}
	case err != nil:
		return Callback{}, reply{http.StatusRequestTimeout, "the body did not arrive whole", err}
	case !json.Valid(body):
		return Callback{}, reply{status: http.StatusBadRequest, text: "the body is not valid JSON: check the column's body, and quote its text values"}
	}
	header := r.Header.Clone()
	header.Del(h.cfg.Header)
	return Callback{Body: body, Header: header, Received: time.Now()}, reply{}
}

// store calls Store and answers for it, whatever it does.
func (h *CallbackHandler) store(ctx context.Context, cb Callback) (rep reply) {
	defer func() {
		if p := recover(); p != nil {
			rep = reply{http.StatusTooManyRequests, "not stored, try again", fmt.Errorf("panic in Store: %v", p)}
		}
	}()
	err := h.cfg.Store(ctx, cb)
	switch {
	case err == nil:
		return reply{status: http.StatusOK}
	case errors.Is(err, KindInvalid):
		return reply{http.StatusBadRequest, "the body is not what is expected here", err}
	default:
		return reply{http.StatusTooManyRequests, "not stored, try again", err}
	}
}

func (h *CallbackHandler) runAfter(cb Callback) {
	defer h.pending.Done()
	defer func() { <-h.room }()
	h.workers <- struct{}{}
	defer func() { <-h.workers }()
	defer func() {
		if p := recover(); p != nil {
			h.cfg.Logger.Error("clay: panic in After", "panic", fmt.Sprint(p))
		}
	}()
	h.cfg.After(h.after, cb)
}

// Shutdown takes no more callbacks (Clay hears 429), and waits until those taken
// are stored and every After has returned. When ctx ends first, it ends the context
// of the Afters and returns ctx's error without waiting longer. It may be called twice.
func (h *CallbackHandler) Shutdown(ctx context.Context) error {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	if h.abandon != nil { // nil in a zero one
		defer h.abandon()
	}
	done := make(chan struct{})
	go func() {
		h.pending.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return whyEnded(ctx)
	}
}
