package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/claygate/claygate/client"
	"github.com/claygate/claygate/internal/app"
	"github.com/claygate/claygate/internal/config"
	"github.com/claygate/claygate/internal/doctor"
)

// ledger examines the ledger's disk and files, and what is in it. Attached says that a running process was asked.
func (e *examination) ledger(ctx context.Context) (attached bool) {
	path, err := ledgerPath(e.streams, e.flags.ledger, e.flags.emulate)
	if err != nil {
		message, hint, _ := explain(err)
		e.add(doctor.Finding{Check: "ledger", State: doctor.Broken, Says: message, Do: hint})
		return false
	}
	e.add(doctor.Disk(filepath.Dir(path))...)
	e.add(doctor.Private(doctor.Broken, path, path+"-wal", path+"-shm", app.SocketPath(path), path+".clay")...)
	if e.flags.config != "" { // which holds no secrets, and URLs that some would not show
		e.add(doctor.Private(doctor.Warning, config.Source{Path: e.flags.config}.Files()...)...)
	}
	if _, err := os.Stat(path); err != nil && !answers(app.SocketPath(path)) {
		e.add(doctor.Finding{Check: "ledger", State: doctor.OK, Says: path + " is still to be made"})
		return false
	}
	return e.gateway(ctx)
}

// gateway asks the gateway, or the ledger itself where nobody has it in use, how the targets stand.
func (e *examination) gateway(ctx context.Context) (attached bool) {
	if e.known && !e.flags.emulate {
		e.flags.loaded = &e.config
	}
	g, err := e.flags.open(ctx, e.streams)
	if err != nil {
		e.failed("ledger", err)
		return false
	}
	defer g.close()
	all, err := g.Targets(ctx)
	if err != nil {
		e.failed("gateway", err)
		return g.app == nil
	}
	says := "nobody has the ledger in use"
	if g.app == nil {
		says = "a gateway runs, with " + plural(len(all.Targets), "target")
	}
	e.add(doctor.Finding{Check: "gateway", State: doctor.OK, Says: says})
	if all.Stopped != nil {
		e.add(doctor.Finding{Check: "gateway", State: doctor.Broken, Says: "all sending is stopped: " + oneLine(*all.Stopped), Do: "when that is settled, `claygate start --all` lets it go on"})
	}
	for _, t := range all.Targets {
		e.add(targetFindings(t)...)
	}
	return g.app == nil
}

// failed adds what an error says.
func (e *examination) failed(check string, err error) {
	message, hint, _ := explain(err)
	e.add(doctor.Finding{Check: check, State: doctor.Broken, Says: oneLine(message), Do: oneLine(hint)})
}

// targetFindings judges how a target stands.
func targetFindings(t client.Target) []doctor.Finding {
	all := []doctor.Finding{}
	f := doctor.Finding{Check: "target " + t.Name, State: doctor.OK, Says: "sends"}
	switch {
	case !t.Configured:
		f.State, f.Says, f.Do = doctor.Warning, "it has records and is not configured", "configure it again, or cancel its records"
	case t.Paused != nil:
		f.State, f.Says, f.Do = doctor.Broken, "it is paused: "+oneLine(t.Paused.Reason), refusedTarget(t.Paused.Status)+"`claygate targets resume "+t.Name+"` lets it go on"
	case t.Breaker != nil:
		f.State, f.Says, f.Do = doctor.Warning, "most of what is sent fails: "+oneLine(t.Breaker.Reason), "it is tried one at a time and goes on by itself; `claygate records list --target "+t.Name+"` shows what came back"
	}
	all = append(all, f)
	if n := t.Counts[client.Dead]; n > 0 {
		all = append(all, doctor.Finding{Check: f.Check, State: doctor.Warning, Says: plural(n, "record") + " failed for good",
			Do: "`claygate records list --target " + t.Name + " --state dead` says why; mend it, then `claygate records replay`"})
	}
	if n := t.Counts[client.Expired]; n > 0 && t.Kind == string(config.KindTable) {
		all = append(all, silentFinding(t, n))
	}
	for i, w := range t.Webhooks {
		all = append(all, webhookFinding(t, i, w))
	}
	return all
}

// refusedTarget is what to do where Clay refuses what is sent, by its status (docs/clay.md).
func refusedTarget(status int) string {
	switch status {
	case 401:
		return "give the webhook's token as Clay shows it, without Bearer; one that was changed in Clay ends the old one at once. Then "
	case 402:
		return "see in Clay what is left of the plan. Then "
	case 403:
		return "its submissions are used up, or the plan has no webhooks: add another webhook, on a table of its own. Then "
	case 404, 410:
		return "copy the webhook's URL from Clay again: a table that was duplicated or made anew has another one. Then "
	}
	return "when that is mended, "
}

// silentFinding tells of rows that never called back. Clay calls each of these causes a success, or says nothing (docs/clay.md).
func silentFinding(t client.Target, n int) doctor.Finding {
	f := doctor.Finding{Check: "target " + t.Name, State: doctor.Warning, Says: plural(n, "record") + " never called back"}
	f.Do = "look at the HTTP API column's cells in Clay: \"Some inputs missing\" means that an input is set to required, \"Run condition not met\" that the run condition is wrong; " +
		"a deleted column in its settings blocks all runs"
	if t.Counts[client.Done] == 0 {
		f.State, f.Says = doctor.Broken, f.Says+", and none ever did"
		f.Do += "; auto-run must be on; `claygate setup " + t.Name + "` checks the column"
	}
	return f
}

// webhookFinding tells how much of a webhook is used up. Only the last one that is left matters much.
func webhookFinding(t client.Target, i int, w client.Webhook) doctor.Finding {
	f := doctor.Finding{Check: fmt.Sprintf("webhook %d of %s", i+1, t.Name), State: doctor.OK, Says: used(w)}
	const do = "add another webhook to the target, in Clay on a table of its own: deleting rows gives nothing back"
	switch last := i == len(t.Webhooks)-1; {
	case w.Limit == 0:
	case w.Used >= w.Limit && last:
		f.State, f.Says, f.Do = doctor.Broken, f.Says+": it is used up, and none is left", do
	case w.Used >= w.Limit:
		f.Says += ": it is used up, and the next one takes over"
	case float64(w.Used) >= app.WebhookWarning*float64(w.Limit) && last:
		f.State, f.Do = doctor.Warning, do
	}
	return f
}
