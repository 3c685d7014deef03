package cli

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"github.com/claygate/claygate/internal/ledger"
)

// agree has a run of a routine agreed to before any of its rows is in the ledger: what is there may be sent. It asks once
// in a run, and only when there is something to send.
func (e *local) agree(ctx context.Context, rows rowSource) error {
	r := &e.flags.routine
	if !r.asked() || e.agreed {
		return nil
	}
	n := 0
	err := e.preview(ctx, rows, func(_ int, prospect, _ string) {
		if prospect == "send" {
			n++
		}
	})
	switch {
	case err != nil:
		return err
	case r.maxRecords > 0 && n > r.maxRecords:
		return &usageError{
			message: fmt.Sprintf("%s would be sent, and --max-records is %d: none was", plural(n, "row"), r.maxRecords),
			hint:    "raise it, or take fewer rows with --limit",
		}
	}
	if n > 0 {
		e.show.cost(n, e.flags.routine.id, *e.account)
		if err := e.permission(ctx, n); err != nil {
			return err
		}
	}
	e.agreed = true
	return e.renew(ctx)
}

// permission asks whoever sits at the terminal. A script says --yes.
func (e *local) permission(ctx context.Context, n int) error {
	s := e.streams
	switch {
	case e.flags.emulate || e.flags.routine.yes:
		return nil
	case !s.Terminal || !s.Keyboard || e.input.stdin || e.flags.json:
		return &usageError{
			message: fmt.Sprintf("a run of %s may cost credits, and there is nobody to ask: none was sent", plural(n, "row")),
			hint:    "say --yes to run without being asked, and --max-records to bound it; --dry-run says what would be sent",
		}
	}
	yes, err := s.ask(ctx, "Run it? [y/N] ")
	if err == nil && !yes {
		return &exitError{code: exitOther, early: true, message: "nothing was sent", hint: "--yes runs without asking; --limit 10 takes the first ten rows only"}
	}
	return err
}

// ask puts a question to the person at the terminal. No answer is no.
func (s Streams) ask(ctx context.Context, question string) (yes bool, err error) {
	fmt.Fprint(s.Err, question)
	answer := make(chan string, 1)
	go func() { // it is left behind when nobody answers, and ends with the process
		line, _ := bufio.NewReader(s.In).ReadString('\n')
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case a := <-answer:
		return a == "y" || a == "yes", nil
	case <-s.Interrupt:
	case <-ctx.Done():
	}
	fmt.Fprintln(s.Err)
	return false, &exitError{code: exitInterrupted, early: true, message: "interrupted: nothing was sent"}
}

// renew begins the load anew where --fresh asks for it. Until somebody has agreed, what earlier runs paid for stays known.
func (e *local) renew(ctx context.Context) (err error) {
	if !e.flags.fresh || e.renewed {
		return nil
	}
	e.id, err = e.app.Ledger.Load(ctx, ledger.Load{Target: e.flags.target, Name: e.name(), Fresh: true})
	if err != nil {
		return err
	}
	e.renewed = true
	e.news, e.paused = nil, nil
	for _, cancel := range e.cancel {
		cancel()
	}
	e.cancel = nil
	e.subscribe()
	return nil
}

// cost says how many rows leave, and what is known of what they cost.
func (d *display) cost(n int, id string, a account) {
	if d.json && !d.quiet {
		fields := map[string]any{"rows": n, "routine": id, "emulated": d.emulated}
		if a.balance != nil {
			fields["credits_left"] = a.balance.Credits
			if a.balance.Actions != nil {
				fields["actions_left"] = *a.balance.Actions
			}
		}
		if a.routine != nil {
			fields["price"] = a.routine.Price
		}
		d.event("cost", fields)
		return
	}
	if d.emulated || d.quiet {
		return // nothing is charged, and the summary says so
	}
	each := "what a row costs is the routine's to say"
	if a.routine != nil {
		each = spellPrice(a.routine.Price, n)
	}
	d.line("%s to send; %s", plural(n, "row"), each)
	d.line("balance: %s", spellBalance(a.balance))
	if a.routine != nil && a.balance != nil && a.routine.Price.Credits != nil {
		if need := *a.routine.Price.Credits * float64(n); need > a.balance.Credits {
			d.line("that is more than is left: rows for which nothing is left will fail")
		}
	}
}
