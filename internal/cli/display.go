package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/claygate/claygate/client"
	"github.com/claygate/claygate/internal/ledger"
)

// display shows people what happens, on stderr: a bar on a terminal, plain lines otherwise, JSON lines on request.
type display struct {
	streams  Streams
	json     bool
	emulated bool
	verbose  bool
	quiet    bool   // the answer says it all
	worked   string // what became of a row with which all went well

	began    time.Time
	bar      *bar
	shown    time.Time // when progress was last printed as a line
	lastLine string
	badRows  int
	held     string // what held the rows up at the last moment
	halted   bool   // nothing more is sent
}

func newDisplay(s Streams, f loadFlags) *display {
	return &display{streams: s, json: f.json, emulated: f.emulate, verbose: f.verbose, worked: "enriched"}
}

// line prints one line for people, above the bar if there is one.
func (d *display) line(format string, args ...any) {
	text := fmt.Sprintf(format, args...) + "\n"
	if d.bar != nil {
		d.bar.above(text)
		return
	}
	d.streams.tell(text)
}

// event prints one JSON line.
func (d *display) event(name string, fields map[string]any) {
	fmt.Fprint(d.streams.Err, eventLine(name, fields))
}

// eventLine writes an event as a JSON line that begins with its name.
func eventLine(name string, fields map[string]any) string {
	line, _ := json.Marshal(fields) // strings and numbers always encode
	return fmt.Sprintf(`{"event":%q,%s`+"\n", name, line[1:])
}

// choices is what an engine has to say of where the rows go.
type choices struct {
	destination string // for people
	ledger      string // "" for a gateway's
	gateway     string // "" for none
}

// choices says what is about to happen, and what was chosen for the user.
func (d *display) choices(l *load, c choices) {
	if d.quiet {
		return
	}
	same := "no two rows share work (--dedupe-by)"
	if len(l.dedupeBy) > 0 {
		same = "rows with the same " + strings.Join(l.dedupeBy, " and ") + " are sent once"
	}
	if d.json {
		fields := map[string]any{
			"input": l.input.short(), "target": l.flags.target, "dedupe_by": l.dedupeBy, "emulated": d.emulated, "callback_url": l.callbackURL,
		}
		if l.flags.routine.asked() {
			fields["routine"], fields["inputs"] = l.flags.routine.id, l.flags.routine.filled(l.columns)
		}
		if c.gateway != "" {
			fields["gateway"] = c.gateway
		} else {
			fields["ledger"] = c.ledger
		}
		if age, chosen := l.chosenAge(c); chosen {
			fields["max_age_s"] = age.Seconds()
		}
		if wait, chosen := l.chosenWait(c); chosen {
			fields["result_timeout_s"] = wait.Seconds()
		}
		d.event("choices", fields)
		return
	}
	d.line("%s → %s", l.input.short(), c.destination)
	if c.gateway != "" {
		d.line("target %s, gateway %s", l.flags.target, c.gateway)
	} else {
		d.line("target %s, ledger %s", l.flags.target, c.ledger)
	}
	if l.flags.routine.asked() {
		d.line("inputs: %s", l.flags.routine.spellInputs(l.columns))
	}
	if !l.await {
		return
	}
	reuse := "results are reused as the gateway says"
	if age, chosen := l.chosenAge(c); chosen && age > 0 {
		reuse = "results up to " + spell(age) + " old are reused"
	} else if chosen {
		reuse = "results are never reused"
	}
	d.line("%s; %s", same, reuse)
	if wait, chosen := l.chosenWait(c); chosen {
		d.line("each result is awaited for %s", spell(wait))
	} else {
		d.line("each result is awaited for as long as the gateway says")
	}
	if l.callbackURL != "" {
		d.line("the table's HTTP API column must POST to %s, with %s in its body", l.callbackURL, ledger.TicketField)
	}
}

// chosenAge returns how old a result may be to be reused, when that is this command's choice and not a gateway's.
func (l *load) chosenAge(c choices) (age time.Duration, chosen bool) {
	return l.maxAge(), c.gateway == "" || l.flags.maxAge.set || l.flags.fresh
}

// chosenWait returns how long a result is awaited, when that is this command's choice and not a gateway's.
func (l *load) chosenWait(c choices) (wait time.Duration, chosen bool) {
	return l.resultTimeout(), c.gateway == "" || l.flags.resultTimeout.set || l.flags.emulate
}

// attached says that another process has the ledger, and sends the rows.
func (d *display) attached(ledger string) {
	if d.quiet {
		return
	}
	if !d.json {
		d.line("attached to the running gateway on %s", ledger)
	}
}

// goesOn says that the process is gone which had the ledger.
func (d *display) goesOn() {
	if d.quiet {
		return
	}
	if !d.json {
		d.line("the process that had the ledger has ended: going on without it")
	}
}

// badRow reports a row that cannot be sent.
func (d *display) badRow(line int, reason string) {
	d.badRows++
	if d.json {
		d.event("row_skipped", map[string]any{"line": line, "reason": reason})
		return
	}
	d.line("line %d skipped: %s", line, reason)
}

// stopped says that nothing more is sent, and why.
func (d *display) stopped(why error, c ledger.Counts) {
	d.halted = true
	waiting := c.In(ledger.Sending, ledger.Sent, ledger.Uncertain)
	if d.json {
		d.event("stopped", map[string]any{"reason": oneLine(why.Error()), "at_clay": waiting})
		return
	}
	because := ""
	if !errors.Is(why, errInterrupted) {
		if c.In(ledger.Sent, ledger.Uncertain) == 0 {
			return // the command is about to end, and to say why
		}
		because = ": " + oneLine(why.Error())
	}
	if waiting == 0 {
		d.line("stopped sending")
		return
	}
	d.line("stopped sending%s\nwaiting for %s at Clay (Ctrl-C to leave at once)", because, plural(waiting, "row"))
}

// summary says what became of the rows, and what it cost: in actions and credits where that is configured.
func (d *display) summary(t tally, cost client.Cost) {
	if d.quiet {
		return
	}
	if d.json {
		d.event("summary", map[string]any{
			"rows": t.rows, "status": t.statuses, "sent": t.paid, "sent_earlier": t.earlier, "saved": t.saved, "maybe_sent_twice": t.doubled,
			"lost": t.lost, "cost": cost, "emulated": d.emulated, "seconds": time.Since(d.began).Seconds(),
		})
		return
	}
	var parts []string
	for _, p := range []struct {
		status ledger.Fate
		words  string
	}{
		{ledger.FateOK, d.worked}, {ledger.FateCached, "from cache"}, {ledger.FateNotFound, "not found"}, {ledger.FateFailed, "failed"},
		{ledger.FateTimedOut, "timed out"}, {ledger.FateMaybeSent, "maybe sent"}, {statusSkipped, "skipped"}, {ledger.FatePending, "pending"},
	} {
		if n := t.statuses[p.status]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, p.words))
		}
	}
	d.line("%s: %s", plural(t.rows, "row"), strings.Join(parts, ", "))
	paid := plural(t.paid, "row") + " sent to Clay"
	if d.emulated {
		paid += ", emulated: nothing was charged"
	}
	if cost.Actions+cost.DataCredits > 0 {
		paid += ", about " + spellAmounts(cost)
	}
	if t.earlier > 0 {
		paid += fmt.Sprintf(" (%d in an earlier run)", t.earlier)
	}
	d.line("paid: %s", paid)
	d.line("saved by cache: %d · maybe sent twice: %d · lost: %s", t.saved, t.doubled, orNone(t.lost))
}

func orNone(n int) string {
	if n == 0 {
		return "none"
	}
	return fmt.Sprint(n)
}

// preview says what a run would do.
func (d *display) preview(t previewTally, l *load) {
	takes, cost := lasts(t.send, l.flags.lanePace()), l.costs(t.send)
	if d.json {
		d.event("preview", map[string]any{
			"rows": t.rows, "send": t.send, "saved": t.saved, "known": t.known, "skipped": t.skipped,
			"seconds_to_send": takes.Seconds(), "cost": cost,
		})
		return
	}
	d.line("%s: %d would be sent, %d answered from cache or by another row, %d known from an earlier run, %d skipped",
		plural(t.rows, "row"), t.send, t.saved, t.known, t.skipped)
	costs := "what each row costs is not known here"
	if l.price.Actions+l.price.DataCredits > 0 {
		costs = "by the cost that is configured, about " + spellCost(cost)
	}
	d.line("at Clay's pace that takes about %s; %s. Nothing was sent.", about(takes), costs)
}
