package cli

import (
	"context"
	"crypto/rand"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/claygate/claygate/internal/app"
	"github.com/claygate/claygate/internal/doctor"
)

// publicURL follows the way of callbacks, where results come back by them. Where nobody takes callbacks at present, doctor
// itself listens for as long as it looks.
func (e *examination) publicURL(ctx context.Context, attached, elsewhere bool) {
	awaits, local := false, true
	for _, t := range e.tables() {
		awaits = awaits || t.Table.AwaitsResult
		for _, w := range t.Table.Webhooks {
			u, err := url.Parse(w.URL.Reveal())
			local = local && err == nil && loopback(u.Hostname())
		}
	}
	way := doctor.Way{URL: e.config.PublicURL, Listen: e.config.CallbackListen, Header: app.InstanceHeader, Local: local}
	switch {
	case way.URL == "" && !awaits:
		return
	case way.URL == "" && local:
		e.add(doctor.Finding{Check: "public url", State: doctor.Skipped, Says: "none is set; an emulated Clay on this machine calls " + way.Listen + " itself"})
		return
	case way.URL == "":
		e.add(doctor.Finding{Check: "public url", State: doctor.Warning, Says: "none is set, so results cannot come back",
			Do: "lead a tunnel or proxy with https to " + way.Listen + ", and set CLAYGATE_PUBLIC_URL or public_url to its URL"})
		return
	}
	if !elsewhere {
		name, stop, problem := e.listener(ctx, attached)
		defer stop()
		if problem != nil {
			e.add(*problem)
			return
		}
		way.Name = name
	}
	e.add(way.PublicURL(ctx))
}

// listener returns the name of the process that takes callbacks. Stop ends the listening of our own.
func (e *examination) listener(ctx context.Context, attached bool) (name string, stop func(), problem *doctor.Finding) {
	listen, stop := e.config.CallbackListen, func() {}
	res, _, err := doctor.Ask(ctx, "http://"+reachable(listen)+"/healthz")
	switch {
	case err == nil && res.Header.Get(app.InstanceHeader) != "":
		return res.Header.Get(app.InstanceHeader), stop, nil
	case err == nil:
		return "", stop, &doctor.Finding{Check: "public url", State: doctor.Broken, Says: "something else listens on " + listen + ", where callbacks are to be taken",
			Do: "end it, or choose another address with --callback-listen, or callback_listen"}
	case attached: // it was started with another address, or with none
		return "", stop, nil
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return "", stop, &doctor.Finding{Check: "public url", State: doctor.Broken, Says: "callbacks cannot be taken on " + listen,
			Do: "it must be an address of this machine that is free, as host:port"}
	}
	name = rand.Text()
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", app.Alive(name))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l)
	}()
	return name, func() { _ = server.Close(); <-done }, nil
}

// reachable is an address to ask for one that is listened on: the host may be left out there, or be every one.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err == nil && (host == "" || host == "0.0.0.0" || host == "::") {
		return net.JoinHostPort("localhost", port)
	}
	return listen
}

// loopback reports whether a host is this machine.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
