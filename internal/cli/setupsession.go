package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/claygate/claygate/client"
	"github.com/claygate/claygate/internal/app"
	"github.com/claygate/claygate/internal/config"
	"github.com/claygate/claygate/internal/ledger"
)

// find finds the target: in the gateway that runs, or in the configuration.
func (x *setupSession) find(ctx context.Context) error {
	f, s := x.flags, x.streams
	known := f.config != "" || !unset(s)
	if known {
		c, err := (&examination{streams: s, flags: &f.doctorFlags}).load()
		if err != nil {
			return err
		}
		x.config = c
		f.ledger = cmp.Or(f.ledger, c.Ledger)
	}
	path, err := ledgerPath(s, f.ledger, f.emulate)
	switch {
	case f.elsewhere(s), err == nil && answers(app.SocketPath(path)):
		if err := x.attach(ctx); err != nil {
			return err
		}
	case err != nil:
		return err
	case f.emulate:
		return &usageError{message: "--emulate: a table to set up is a Clay's of its own", hint: "run `claygate emulate`, export what it prints, and run setup without --emulate"}
	case !known:
		return errNothingSet
	default:
		x.own = true
	}
	return x.describe()
}

// attach finds the target in a gateway that runs.
func (x *setupSession) attach(ctx context.Context) (err error) {
	if x.gateway, err = x.flags.open(ctx, x.streams); err != nil {
		return err
	}
	all, err := x.gateway.Targets(ctx)
	if err != nil {
		return err
	}
	var names []string
	for _, t := range all.Targets {
		names = append(names, t.Name)
	}
	i := ledger.FindTarget(slices.Values(names), x.name)
	if i < 0 {
		return x.noTarget(names)
	}
	if t := all.Targets[i]; t.Kind != string(config.KindTable) || !t.Await {
		return notSetUp(t.Name)
	}
	x.target = names[i]
	return pausedEarly(all.Targets[i].Paused)
}

func (x *setupSession) noTarget(names []string) error {
	return &exitError{code: exitNotFound, early: true, message: "there is no target " + x.name, hint: "name one of: " + strings.Join(names, ", ")}
}

// notSetUp refuses targets that have no column.
func notSetUp(name string) error {
	return &usageError{message: name + " has no HTTP API column: only tables that await results do", hint: "routines and lookups need no setting up; `claygate doctor` tries their keys"}
}

// describe says what the column has to be like, as far as the configuration is known.
func (x *setupSession) describe() error {
	t, ok := x.config.Find(x.name)
	switch {
	case ok && (t.Kind != config.KindTable || !t.Table.AwaitsResult):
		return notSetUp(x.name)
	case !ok && x.own:
		var names []string
		for _, t := range x.config.Targets() {
			names = append(names, t.Short())
		}
		return x.noTarget(names)
	}
	x.local = ok && len(t.Table.Webhooks) > 0
	for _, w := range t.Table.Webhooks {
		u, err := url.Parse(w.URL.Reveal())
		x.local = x.local && err == nil && loopback(u.Hostname())
	}
	x.target = cmp.Or(x.target, t.Short())
	base := x.config.PublicURL
	switch {
	case base == "" && x.own && !x.local:
		return &usageError{message: "Clay would have nowhere to send the results: there is no public URL",
			hint: "lead a tunnel or proxy with https to " + x.config.CallbackListen + " and give its URL with --public-url; `claygate doctor` says whether it arrives"}
	case base == "" && x.local:
		base = "http://" + x.config.CallbackListen
	}
	x.column = column{
		URL: cmp.Or(base, "https://YOUR-PUBLIC-URL") + app.CallbackPath + x.target, Field: cmp.Or(t.Table.IDField, ledger.TicketField),
		Secret: reference(t.Table.CallbackSecret), Results: x.flags.results,
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(x.row, &fields) != nil {
		return &usageError{message: "the row is no JSON object", hint: "e.g. claygate setup " + x.name + " email=you@your-company.com"}
	}
	x.column.Inputs = slices.Sorted(maps.Keys(fields))
	return nil
}

// permission asks whether the row may be sent.
func (x *setupSession) permission(ctx context.Context) error {
	s := x.streams
	switch {
	case x.flags.yes || x.local || x.flags.emulate:
		return nil
	case !s.Terminal || !s.Keyboard || x.flags.json:
		return &usageError{message: "one row is sent to " + x.target + ", which may cost credits, and there is nobody to ask: it was not", hint: "say --yes to send it without being asked"}
	}
	yes, err := s.ask(ctx, "Send one row to "+x.target+"? Whatever the table does by itself it does with this row, which may cost credits. [y/N] ")
	if err == nil && !yes {
		return &exitError{code: exitOther, early: true, message: "nothing was sent", hint: "--yes sends the row without asking"}
	}
	return err
}

// send hands the row in. Where no gateway runs, this process is one for as long as it lasts, and sends this row alone.
func (x *setupSession) send(ctx context.Context) error {
	if !x.own {
		age := time.Duration(0)
		r, err := x.gateway.Submit(ctx, x.target, x.row, client.Options{MaxAge: &age, ResultTimeout: x.patience()})
		x.record = r.ID
		return err
	}
	path, err := ledgerPath(x.streams, x.flags.ledger, false)
	if err != nil {
		return err
	}
	run := replaced(app.FromConfig(x.config), x.target, x.patience())
	a, err := app.Open(ctx, app.Config{
		Ledger: path, Socket: true, Targets: run.Targets, PublicAPI: run.PublicAPI, Pace: run.Pace, CallbackListen: run.CallbackListen,
		Version: version(), Refused: x.refuse,
	})
	if err != nil {
		return err
	}
	if x.gateway, err = connect(client.Config{HTTPClient: &http.Client{Transport: within{a.Trusted}}}, a); err != nil {
		return err
	}
	if stops, err := a.Ledger.Stopped(ctx); err != nil || stops.Of(ledger.WorkspaceOf(x.target)) != "" {
		return cmp.Or(err, stoppedError(stops.Of(ledger.WorkspaceOf(x.target))))
	}
	if err := a.Ledger.Resume(ctx, x.target); err != nil { // somebody is about to mend what paused it
		return err
	}
	return x.begin(ctx, a)
}

// begin has the app send the row, and nothing else that waits in the ledger.
func (x *setupSession) begin(ctx context.Context, a *app.App) error {
	id, err := a.Ledger.Load(ctx, ledger.Load{Target: x.target, Name: "setup", Fresh: true})
	if err != nil {
		return err
	}
	never := time.Duration(0)
	run, err := a.Run(ctx, app.RunOptions{Target: x.target, Load: id, Await: true, DedupeBy: []string{}, MaxAge: &never, ResultTimeout: x.patience()})
	if err != nil {
		return err
	}
	row, err := run.Submission(x.row)
	if err != nil {
		return err
	}
	taken, err := run.Accept(ctx, []ledger.Submission{row})
	if err == nil {
		err = taken[0].Err
	}
	if err != nil {
		return err
	}
	x.record = fmt.Sprint(taken[0].Record.ID)
	a.Start(id)
	return nil
}

// refuse notes a callback that was refused. Nobody waits for it to be read.
func (x *setupSession) refuse(r app.Refusal) {
	select {
	case x.refused <- r:
	default:
	}
}

// patience is how long the column's call is awaited.
func (x *setupSession) patience() time.Duration { return x.flags.wait.or(30 * time.Minute) }

func (x *setupSession) close() error {
	if x.gateway == nil {
		return nil
	}
	if x.gateway.app != nil {
		ctx, cancel := context.WithTimeout(context.Background(), hurriedTime)
		defer cancel()
		_ = x.gateway.app.Stop(ctx)
	}
	return x.gateway.close()
}
