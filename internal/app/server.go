package app

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/claygate/claygate/internal/collect"
	"github.com/claygate/claygate/internal/ledger"
)

// CallbackPath is where callbacks arrive, followed by the target's name.
const CallbackPath = collect.CallbackPath

// InstanceHeader is the header in which the callbacks' listener names its process to whoever asks for /healthz. The name is
// made anew at each start and tells nothing: it only shows whether a public URL leads here.
const InstanceHeader = "X-Claygate-Instance"

// server is one listener and what answers there.
type server struct {
	what     string // for people
	listener net.Listener
	http     *http.Server
	silent   silent
}

// listen opens the listeners, so that a taken port is known before anything is sent. What arrives before serve waits
// in the backlog.
func (a *App) listen() (err error) {
	if a.config.CallbackListen != "" {
		if a.callbacks, err = listen("callbacks", "tcp", a.config.CallbackListen, "--callback-listen"); err != nil {
			return err
		}
	}
	if a.config.Listen != "" {
		a.api, err = listen("the API", "tcp", a.config.Listen, "--listen")
	}
	return err
}

func listen(what, network, address, flag string) (*server, error) {
	l, err := net.Listen(network, address)
	if err != nil {
		return nil, &ledger.Error{
			Kind: ledger.Unavailable, Op: what, Message: "cannot listen on " + address,
			Hint: "end whatever listens there, or choose another address with " + flag, Err: cause(err),
		}
	}
	return &server{what: what, listener: l}, nil
}

// CallbackAddr is the address where callbacks are taken, "" for none.
func (a *App) CallbackAddr() string { return a.callbacks.addr() }

// APIAddr is the address where the API is served, "" for none.
func (a *App) APIAddr() string { return a.api.addr() }

func (s *server) addr() string {
	if s == nil {
		return ""
	}
	return s.listener.Addr().String()
}

// takeCallbacks answers callbacks and completion webhooks from now on.
func (a *App) takeCallbacks(callbacks, completions http.Handler) {
	mux := http.NewServeMux()
	mux.Handle(collect.CallbackPath, callbacks)
	mux.Handle(collect.CompletionPath, completions)
	mux.Handle("GET /healthz", Alive(rand.Text()))
	a.callbacks.serve(&http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second, // an answer may be held while the ledger is busy
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
	}, a.config.Log)
}

// Alive answers /healthz on the callbacks' listener, as the process of that name.
func Alive(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(InstanceHeader, name)
		w.WriteHeader(http.StatusNoContent)
	})
}

// serveAPI answers the API's requests from now on. The API sets its own deadlines: calls that wait and streams have
// others than the rest.
func (a *App) serveAPI(s *server, handler http.Handler) {
	s.serve(&http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
	}, a.config.Log)
}

// serve answers from now on. There is nothing to do on a listener that is not there.
func (s *server) serve(srv *http.Server, log *slog.Logger) {
	if s == nil {
		return
	}
	s.http = srv
	s.silent.watch(srv)
	srv.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelDebug)
	go func() {
		if err := srv.Serve(limit(s.listener, maxConnections)); !errors.Is(err, http.ErrServerClosed) {
			log.Error("no longer listening", "for", s.what, "error", err)
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

// closeTime is how long requests under way have to finish.
const closeTime = 5 * time.Second

// close lets the requests under way finish and closes the listener. A callback that waits for a full disk is cut off:
// Clay sends again what was cut off.
func (s *server) close() error {
	if s == nil {
		return nil
	}
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
