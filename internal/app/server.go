package app

import (
	"context"
	"errors"
	"net"
	"net/http"
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
			Hint: "choose another address with --callback-listen", Err: err,
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

// close lets the callbacks under way finish and closes the listener.
func (s *server) close() error {
	if s.http == nil {
		return s.listener.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return s.http.Shutdown(ctx)
}
