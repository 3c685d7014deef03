package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/claygate/claygate/client"
	"github.com/claygate/claygate/internal/app"
)

// setupTick is how often the row is looked at, and silenceTime after how long of nothing it is said what to look at.
const (
	setupTick   = 250 * time.Millisecond
	silenceTime = 2 * time.Minute
)

// watch tells the steps once the row is at Clay, waits for the column's call, and says what is wrong with it, until it is
// right.
func (x *setupSession) watch(ctx context.Context) error {
	ticker := time.NewTicker(setupTick)
	defer ticker.Stop()
	silence := time.NewTimer(silenceTime)
	defer silence.Stop()
	end := time.NewTimer(x.patience())
	defer end.Stop()
	told, seen := false, 0       // the steps, and the revision that was judged
	var refused chan app.Refusal // nil until the steps were told: what is wrong comes after them
	for {
		r, err := x.gateway.Record(ctx, x.record, client.Look{})
		if err != nil {
			return err
		}
		if !told && r.State != client.Queued && r.State != client.Sending && r.State != client.Dead {
			told, refused = true, x.refused
			x.tellSteps()
		}
		switch {
		case r.State == client.Done && r.Revision > seen:
			silence.Stop()
			seen = r.Revision
			if done, err := x.judge(r); done {
				return err
			}
		case r.State == client.Dead, r.State == client.Canceled, r.State == client.Expired:
			return x.ended(r)
		case r.State == client.Queued:
			if err := x.paused(ctx); err != nil {
				return err
			}
		}
		select {
		case refusal := <-refused:
			silence.Stop()
			x.called = refusal.Message
			x.say("refused", fmt.Sprintf("The column called, and was refused (%d): %s. Mend it, and run the cell again.", refusal.Status, refusal.Message),
				map[string]any{"status": refusal.Status, "message": refusal.Message})
		case <-silence.C:
			x.say("silent", "So far "+x.column.silent()+".", map[string]any{"message": x.column.silent()})
		case <-end.C:
			return &exitError{code: exitOther, message: "the column did not call back as it should in " + spell(x.patience()), hint: x.amiss()}
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// tellSteps says what to do in Clay.
func (x *setupSession) tellSteps() {
	if x.flags.json {
		x.say("column", "", map[string]any{
			"target": x.target, "column": x.column, "method": "POST", "body": x.column.body(), "retries": columnRetries, "retry_on": columnStatuses,
		})
		return
	}
	fmt.Fprintf(x.streams.Out, "One row is at Clay, in the table of %s.\n\n", x.target)
	fmt.Fprint(x.streams.Out, x.column.steps())
	if x.own {
		fmt.Fprintf(x.streams.Out, "\nWaiting for the column's call (Ctrl-C ends it; the column can be checked again later) …\n")
		return
	}
	fmt.Fprintf(x.streams.Out, "\nWaiting for the column's call, which the gateway takes. If it refuses one, its log and the cell in Clay say why …\n")
}

// judge says whether a result is as it should be. Where this process takes the callbacks another one mends it.
func (x *setupSession) judge(r client.Record) (done bool, err error) {
	problems := wrongFields(r.Result)
	if len(problems) == 0 {
		x.say("done", "The column is right. It sent: "+fieldNames(r.Result)+".", map[string]any{"fields": fieldNames(r.Result)})
		return true, nil
	}
	x.called = strings.Join(problems, "; ")
	for _, p := range problems {
		x.say("wrong", "The column called, and "+p+".", map[string]any{"message": p})
	}
	if x.own && !x.flags.json {
		x.say("", "Mend it, and run the cell again.", nil)
		return false, nil
	}
	return true, &exitError{code: exitSomeFailed, message: "the column calls, and " + strings.Join(problems, "; "), hint: "mend it, and run setup again"}
}

// ended is the error for a row that came to nothing.
func (x *setupSession) ended(r client.Record) error {
	reason := string(r.State)
	hint := x.amiss()
	if r.Error != nil {
		reason = r.Error.Reason
	}
	if r.State == client.Dead {
		hint = "mend it, and run setup again"
	}
	return &exitError{code: exitOther, message: "the row came to nothing: " + oneLine(reason), hint: hint}
}

// amiss says what to look at when the column has not called as it should: what was wrong with its last call, or why none came.
func (x *setupSession) amiss() string {
	if x.called != "" {
		return "it called, and " + x.called + ". Mend it, and run setup again"
	}
	return x.column.silent()
}

// paused is the error for a target that Clay refuses rows for.
func (x *setupSession) paused(ctx context.Context) error {
	all, err := x.gateway.Targets(ctx)
	if err != nil {
		return err
	}
	for _, t := range all.Targets {
		if t.Name == x.target && t.Paused != nil {
			return &exitError{code: pausedExit(t.Paused.Status), message: settings.Replace(oneLine(t.Paused.Reason)), hint: refusedTarget(t.Paused.Status) + "run setup again"}
		}
	}
	return nil
}

// say tells people, or writes a JSON line.
func (x *setupSession) say(event, text string, fields map[string]any) {
	if x.flags.json {
		fmt.Fprint(x.streams.Out, eventLine(event, fields))
		return
	}
	x.streams.print("%s\n", text)
}
