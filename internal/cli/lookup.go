package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/claygate/claygate/internal/app"
	"github.com/claygate/claygate/internal/ledger"
	"github.com/claygate/claygate/internal/sheet"
)

// subject is what a lookup is about.
type subject struct {
	kind     lookupKind
	field    string // by which it is found
	argument string
	routine  string // the variable that names the routine to ask
	unknown  string // when Clay knows nothing
	example  string
}

var (
	person = subject{
		kind: lookupPerson, field: "email", argument: "EMAIL", routine: "CLAYGATE_PERSON_ROUTINE", unknown: "Clay knows nobody with that address",
		example: "jo@example.com",
	}
	company = subject{
		kind: lookupCompany, field: "domain", argument: "DOMAIN", routine: "CLAYGATE_COMPANY_ROUTINE", unknown: "Clay knows no company with that domain",
		example: "example.com",
	}
)

func newLookup(s Streams, of subject) *cobra.Command {
	f := loadFlags{lookup: of.kind, output: sheet.Stdio, dedupeBy: of.field}
	c := &cobra.Command{
		Use:   string(of.kind) + " " + of.argument,
		Short: "Look one " + string(of.kind) + " up",
		Long: string(of.kind) + " asks a routine of Clay's (--routine, or " + of.routine + "), else Clay's Enterprise endpoint with\n" +
			envEnterpriseKey + " or " + envKey + "; through a running gateway, its target " + string(of.kind) + ". Asked again within --max-age it\n" +
			"answers from the ledger, at no cost. It does not ask before it spends what one lookup costs.",
		Example: "  claygate " + string(of.kind) + " " + of.example + " --emulate\n  claygate " + string(of.kind) + " " + of.example + " --routine function:t_…",
		Args:    oneArg(map[lookupKind]string{lookupPerson: "an e-mail address", lookupCompany: "a domain"}[of.kind], "e.g. claygate "+string(of.kind)+" "+of.example),
		RunE: func(c *cobra.Command, args []string) error {
			return inJSON(f.json, lookUp(c.Context(), s, f, of, args[0]))
		},
	}
	c.Flags().StringVarP(&f.target, "target", "t", string(of.kind), "the target at a running gateway")
	c.Flags().StringVar(&f.routine.id, "routine", "", "the function or workflow to run: its id or its address in Clay (or "+of.routine+")")
	c.Flags().StringArrayVar(&f.routine.mappings, "input", nil, `what the routine calls it, as "Input=`+of.field+`" (default: `+of.field+`)`)
	c.Flags().BoolVar(&f.emulate, "emulate", false, "use an emulated Clay in this process: no account, nothing leaves the machine")
	c.Flags().StringVar(&f.ledger, "ledger", "", "the ledger's file (default: in the user's state folder; or CLAYGATE_LEDGER)")
	c.Flags().StringVar(&f.gateway, "gateway", "", "the URL of a running gateway to ask (or CLAYGATE_GATEWAY; its key in CLAYGATE_KEY)")
	c.Flags().Var(&f.maxAge, "max-age", "answer with a result up to this old; 0 for none (default 30d)")
	c.Flags().Var(&f.resultTimeout, "result-timeout", "how long to wait for a routine's result (default 24h)")
	c.Flags().BoolVar(&f.json, "json", false, "JSON, as pipes get it")
	c.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "log every request on stderr")
	return c
}

// lookUp is a load of one row, which is begun anew each time: what is known is in the cache.
func lookUp(ctx context.Context, s Streams, f loadFlags, of subject, value string) (err error) {
	value = strings.TrimSpace(value)
	if !strings.Contains(value, ".") || strings.ContainsAny(value, " /\t\n") || strings.Contains(value, "@") != (of.kind == lookupPerson) {
		return &usageError{message: quote(value) + " is no " + map[lookupKind]string{lookupPerson: "e-mail address", lookupCompany: "domain"}[of.kind], hint: "e.g. claygate " + string(of.kind) + " " + of.example}
	}
	f.fresh = true
	if !f.maxAge.set {
		f.maxAge = span{ledger.DefaultMaxAge, true}
	}
	if err := f.choose(s, of); err != nil {
		return err
	}
	if err := f.check(); err != nil {
		return err
	}
	row, err := json.Marshal(map[string]string{of.field: value})
	if err != nil {
		return err
	}
	l, err := loadOf(s, f, rowInput(string(row)))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	l.show.quiet = !f.verbose
	var last ended
	worked := l.work(ctx, func(ctx context.Context) (t tally, err error) {
		last, t, err = l.answer(ctx, s)
		return t, err
	})
	if last.status == ledger.FatePending {
		worked = errors.Join(worked, l.withdraw(ctx))
	}
	return last.verdict(of, l.hinted(of, worked))
}

// withdraw leaves nothing to be sent, and paid for, when nobody waits for it any more.
func (l *load) withdraw(ctx context.Context) error {
	e, ok := l.engine.(*local)
	if !ok || len(l.rows) == 0 || l.rows[0].record.IsZero() {
		return nil
	}
	_, err := e.app.Ledger.Apply(ctx, []ledger.Entry{{Record: l.rows[0].record, Event: ledger.Cancel{Reason: ledger.HeldBack}}})
	return err
}

// hinted says what to do about an Enterprise endpoint that refuses.
func (l *load) hinted(of subject, err error) error {
	e, ok := errors.AsType[*exitError](err)
	if _, local := l.engine.(*local); !ok || !local || l.flags.lookup == "" || e.code != exitNotFound && e.code != exitAuth {
		return err
	}
	return &exitError{
		code: e.code, message: e.message,
		hint: "this was the Enterprise endpoint, with the key that `claygate whoami` names; --routine or " + of.routine + " asks a routine in its place",
	}
}

// choose decides what is asked: a gateway where one runs, else a routine, else the Enterprise endpoint.
func (f *loadFlags) choose(s Streams, of subject) error {
	f.routine.yes = true // one lookup was asked for by its name
	if f.routine.asked() {
		f.lookup, f.target = "", defaultTarget
		return nil
	}
	path, err := ledgerPath(s, f.ledger, f.emulate)
	if err != nil {
		return err
	}
	if f.named(s) != "" || answers(app.SocketPath(path)) {
		return nil
	}
	if id := strings.TrimSpace(s.Getenv(of.routine)); id != "" && !f.emulate {
		f.lookup, f.target, f.routine.id = "", defaultTarget, id
		return nil
	}
	if key, _ := enterpriseKey(s); key == "" && !f.emulate {
		return &usageError{
			message: "nothing is set up that could look a " + string(of.kind) + " up",
			hint: "name a routine with --routine or " + of.routine + " and set " + envPublicKey + ", on any plan; or set " + envEnterpriseKey +
				", on the Enterprise plan; --emulate needs no account",
		}
	}
	return nil
}

// answer shows what came of the one row.
func (l *load) answer(ctx context.Context, s Streams) (last ended, t tally, err error) {
	err = l.each(ctx, func(_ int, _ *outcome, e ended) error {
		last = e
		return nil
	})
	if err != nil {
		return last, t, err
	}
	if last.status != ledger.FatePending && (l.flags.json || !s.outTerminal()) {
		t, err = l.write(ctx)
		return last, t, err
	}
	if t, err = l.tally(ctx); err == nil {
		err = card(s, last.result)
	}
	return last, t, err
}

// verdict is the error that a lookup ends with.
func (e ended) verdict(of subject, worked error) error {
	some, ok := errors.AsType[*exitError](worked)
	if worked != nil && (!ok || some.code != exitSomeFailed) {
		return worked
	}
	switch e.status {
	case ledger.FateNotFound:
		return &exitError{code: exitNotFound, message: of.unknown}
	case ledger.FateFailed, ledger.FateTimedOut, ledger.FateMaybeSent, statusSkipped:
		return &exitError{code: exitSomeFailed, message: settings.Replace(e.reason)}
	}
	return nil
}

// card prints a result for people: a line for each field that holds something.
func card(s Streams, result []byte) error {
	fields, err := sheet.Flatten(result)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(s.Out, 0, 0, 2, ' ', 0)
	for _, field := range fields {
		if field.Value != "" {
			fmt.Fprintf(table, "%s\t%s\n", printable(field.Name), printable(field.Value))
		}
	}
	return table.Flush()
}
