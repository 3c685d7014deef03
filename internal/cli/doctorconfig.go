package cli

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/claygate/claygate/internal/app"
	"github.com/claygate/claygate/internal/config"
	"github.com/claygate/claygate/internal/doctor"
)

// examination is one run of doctor.
type examination struct {
	streams  Streams
	flags    *doctorFlags
	config   config.Config
	known    bool // the configuration could be read
	findings []doctor.Finding
}

func (e *examination) add(found ...doctor.Finding) { e.findings = append(e.findings, found...) }

// run makes every examination that makes sense. A gateway on another machine is asked; its disk and its ways cannot be seen.
func (e *examination) run(ctx context.Context) {
	elsewhere := e.flags.elsewhere(e.streams)
	if !elsewhere || e.flags.config != "" {
		e.configuration()
	}
	if e.known && !e.flags.emulate {
		e.clay(ctx)
		e.keys(ctx)
	}
	var attached bool
	if elsewhere {
		e.gateway(ctx)
	} else {
		attached = e.ledger(ctx)
	}
	if e.known && !e.flags.emulate {
		e.publicURL(ctx, attached, elsewhere)
	}
}

// elsewhere reports whether the gateway is one that was named, on whatever machine.
func (f *gatewayFlags) elsewhere(s Streams) bool {
	return f.url != "" || f.ledger == "" && !f.emulate && s.Getenv("CLAYGATE_GATEWAY") != ""
}

// configuration reads the configuration as serve does, and says every mistake.
func (e *examination) configuration() {
	f := e.flags
	if f.config == "" && !f.emulate && unset(e.streams) {
		e.unconfigured()
		return
	}
	c, err := e.load()
	if problems, ok := errors.AsType[config.Problems](err); ok {
		for _, p := range problems {
			e.add(doctor.Finding{Check: "configuration", State: doctor.Broken, Says: where(p) + p.Message, Do: p.Hint})
		}
		return
	} else if err != nil {
		message, hint, _ := explain(err)
		e.add(doctor.Finding{Check: "configuration", State: doctor.Broken, Says: message, Do: hint})
		return
	}
	e.config, e.known = c, true
	warned := false
	for _, p := range c.Warnings() {
		if f.emulate || p.Key == "public_url" { // which is examined by itself
			continue
		}
		warned = true
		e.add(doctor.Finding{Check: "configuration", State: doctor.Warning, Says: where(p) + p.Message, Do: p.Hint})
	}
	if !warned {
		says := "the environment is right: " + plural(len(c.Targets()), "target")
		if f.config != "" {
			says = f.config + " is right: " + plural(len(c.Targets()), "target")
		}
		e.add(doctor.Finding{Check: "configuration", State: doctor.OK, Says: says})
	}
	if f.ledger == "" {
		f.ledger = c.Ledger
	}
}

// where says where a problem is.
func where(p config.Problem) string {
	p.Message, p.Hint = "", ""
	if at := strings.TrimSpace(p.Error()); at != "" {
		return at + " "
	}
	return ""
}

// unset reports whether the environment says nothing about Clay.
func unset(s Streams) bool {
	_, any := firstSet(s, "CLAY_WEBHOOK_URL", envPublicKey, envEnterpriseKey, envKey)
	return any == ""
}

// unconfigured is for an environment that says nothing and no file: a running gateway has a configuration of its own.
func (e *examination) unconfigured() {
	path, err := ledgerPath(e.streams, e.flags.ledger, false)
	if err == nil && answers(app.SocketPath(path)) {
		e.add(doctor.Finding{Check: "configuration", State: doctor.Skipped, Says: "the gateway that runs has its own: --config names it"})
		return
	}
	e.failed("configuration", errNothingSet)
}

// load reads the configuration. Where only the Public API's key is set there is no target, and nothing wrong with that:
// enrich names its routine itself.
func (e *examination) load() (config.Config, error) {
	f, s := e.flags, e.streams
	source := config.Source{Path: f.config, Emulate: f.emulate, Getenv: s.Getenv, Flags: config.Overrides{
		Ledger: f.ledger, PublicURL: f.publicURL, CallbackListen: f.callbackListen,
	}}
	c, err := config.Load(source)
	if f.config != "" || f.emulate {
		return c, err
	}
	key, from := publicKey(s)
	if _, other := firstSet(s, "CLAY_WEBHOOK_URL", envEnterpriseKey, envKey); from != "" && other == "" {
		source.Emulate = true // what else is set is read all the same
		if c, err = config.Load(source); err == nil {
			c.Workspaces = map[string]config.Workspace{config.DefaultWorkspace: {}}
		}
	}
	if err != nil {
		return c, err
	}
	w := c.Workspaces[config.DefaultWorkspace]
	w.BaseURL = clayURL(s)
	if from != "" {
		w.PublicAPIKey = config.NewSecret(key, "env:"+from)
	}
	c.Workspaces[config.DefaultWorkspace] = w
	return c, nil
}

// tables lists the tables of the configuration.
func (e *examination) tables() (all []config.Target) {
	for _, t := range e.config.Targets() {
		if t.Kind == config.KindTable {
			all = append(all, t)
		}
	}
	return all
}

// origins lists the servers that records go to, without the paths, which are secret.
func (e *examination) origins() []string {
	found := map[string]bool{}
	for _, t := range e.tables() {
		for _, w := range t.Table.Webhooks {
			if u, err := url.Parse(w.URL.Reveal()); err == nil && u.Host != "" {
				found[u.Scheme+"://"+u.Host] = true
			}
		}
	}
	for _, w := range e.config.Workspaces {
		if w.PublicAPIKey.IsSet() || w.EnterpriseAPIKey.IsSet() || len(w.Routines)+len(w.Lookups) > 0 {
			found[w.BaseURL] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// clay asks whether Clay answers, at a path that costs nothing and without a key: any answer will do.
func (e *examination) clay(ctx context.Context) {
	var clock *doctor.Answer
	for _, origin := range e.origins() {
		asked := time.Now()
		res, _, err := doctor.Ask(ctx, origin+publicAPIPath+"/me")
		f := doctor.Finding{Check: "clay", State: doctor.OK, Says: origin + " answers"}
		switch {
		case err != nil:
			f.State, f.Says = doctor.Broken, origin+" cannot be reached: "+doctor.Unreached(err)
			f.Do = "check this machine's network, DNS and firewall: it must reach port 443 there. Nothing is lost: records wait"
		case res.StatusCode >= http.StatusInternalServerError:
			f.State, f.Says = doctor.Warning, origin+" is in trouble: it answers "+http.StatusText(res.StatusCode)
			f.Do = "wait: records wait as well. status.clay.com says how Clay is"
		}
		e.add(f)
		if err == nil && clock == nil {
			clock = &doctor.Answer{Asked: asked, Came: time.Now(), Header: res.Header}
		}
	}
	if clock != nil {
		e.add(doctor.Clock(*clock))
	}
}
