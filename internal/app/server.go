package app

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/claygate/claygate/internal/collect"
	"github.com/claygate/claygate/internal/ledger"
)

// CallbackPath is where callbacks arrive, followed by the target's name.
const CallbackPath = collect.CallbackPath

// server takes callbacks.
type server struct {
	listener net.Listener
	http     *http.Server
}

// listen opens the callback listener, so that a taken port is known before anything is sent. What arrives before
// serve waits in the backlog.
func (a *App) listen() error {
	if a.config.CallbackListen == "" {
		return nil
	}
	l, err := net.Listen("tcp", a.config.CallbackListen)
	if err != nil {
		return &ledger.Error{
			Kind: ledger.Unavailable, Op: "callbacks", Message: "cannot listen on " + a.config.CallbackListen,
			Hint: "end whatever listens there, or choose another address with --callback-listen", Err: cause(err),
		}
	}
	a.callbacks = &server{listener: l}
	return nil
}

// CallbackAddr is the address where callbacks are taken, "" for none.
func (a *App) CallbackAddr() string {
	if a.callbacks == nil {
		return ""
	}
	return a.callbacks.listener.Addr().String()
}

// serve takes callbacks from now on.
func (a *App) serve(callbacks http.Handler) {
	if a.callbacks == nil {
		return
	}
	mux := http.NewServeMux()
	mux.Handle(collect.CallbackPath, callbacks)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	a.callbacks.http = &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second, // an answer may be held while the ledger is busy
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
	srv, l := a.callbacks.http, a.callbacks.listener
	go func() {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			a.config.Log.Error("callbacks are no longer taken", "error", err)
		}
	}()
}

// cause is why listening failed, without the address, which the message names already.
func cause(err error) error {
	if e, ok := errors.AsType[*net.OpError](err); ok {
		err = e.Err
	}
	if e, ok := errors.AsType[*os.SyscallError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*net.AddrError](err); ok {
		return errors.New(e.Err)
	}
	return err
}

// closeTime is how long callbacks under way have to finish.
const closeTime = 5 * time.Second

// close lets the callbacks under way finish and closes the listener. One that waits for a full disk is cut off: Clay
// sends again what was cut off.
func (s *server) close() error {
	if s.http == nil {
		return s.listener.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	if err := s.http.Shutdown(ctx); err == nil {
		return nil
	}
	return s.http.Close()
}
