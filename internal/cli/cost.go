package cli

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/internal/ledger"
)

func newCost(s Streams) *cobra.Command {
	c := &cobra.Command{Use: "cost", Short: "Find out what a row costs", Args: noArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(newMeasure(s))
	return c
}

func newMeasure(s Streams) *cobra.Command {
	var f loadFlags
	var sample int
	c := &cobra.Command{
		Use: "measure FILE", Short: "Send a few rows and see what they take off the balance",
		Long: "measure sends the first rows of a file, once more even where their results are known, asks Clay for the balance\n" +
			"before and after, and writes what to put into the configuration. It costs what these rows cost, and asks first.\n" +
			"Let nothing else run in the workspace meanwhile: it would be counted as well.",
		Example: "  claygate cost measure leads.csv -t people --sample 10\n  claygate cost measure leads.csv --emulate",
		RunE: func(c *cobra.Command, args []string) error {
			if sample < 1 {
				return &usageError{message: "--sample: at least one row is needed", hint: "10 give an average, 100 a better one"}
			}
			f.limit, f.fresh, f.job = sample, true, "cost measure"
			if f.emulate {
				f.callbackListen = "127.0.0.1:0"
			}
			return measure(c.Context(), s, f, args)
		},
	}
	f.addLoad(c)
	f.addEnrich(c)
	for _, name := range []string{"limit", "fresh", "job", "dry-run", "retry", "output", "confirm-above"} { // they are decided here
		_ = c.Flags().MarkHidden(name)
	}
	c.Flags().IntVar(&sample, "sample", 10, "how many rows to send")
	return c
}

// measurement is what the balance was before a sample of rows, and where to ask for it.
type measurement struct {
	*load
	account *clay.Client
	before  clay.Balance
}

func measure(ctx context.Context, s Streams, f loadFlags, args []string) (err error) {
	l, err := newLoad(s, f, args)
	if err != nil {
		return err
	}
	m := &measurement{load: l}
	defer func() {
		if m.account != nil {
			m.account.Close()
		}
		err = errors.Join(err, l.close())
	}()
	l.bound, l.ready = bound{}, m.begin
	return l.work(ctx, m.end)
}

// begin asks for the balance, and whether the rows may be sent.
func (m *measurement) begin(ctx context.Context) error {
	if m.flags.dryRun || m.account != nil {
		return nil
	}
	var err error
	if m.account, err = m.load.purse(); err != nil {
		return err
	}
	m.before, err = m.account.Credits(ctx)
	if err != nil {
		return &exitError{
			code: exitAuth, early: true, message: "Clay does not tell the balance, so nothing can be measured, and nothing was sent: " + answered(err),
			hint: "it takes a key of the Public API: CLAY_PUBLIC_API_KEY, or public_api_key of the gateway's workspace. Else compare the usage that Clay shows in its settings",
		}
	}
	s := m.streams
	switch {
	case m.show.emulated || m.flags.routine.yes:
		return nil
	case !s.Terminal || !s.Keyboard || m.input.stdin || m.flags.json:
		return &usageError{message: "the rows cost what they cost, and there is nobody to ask: none was sent", hint: "say --yes to send them without being asked"}
	}
	yes, err := s.ask(ctx, fmt.Sprintf("The balance is %s. Send at most %s, once more where they are known? [y/N] ", spellBalance(&m.before), plural(m.flags.limit, "row")))
	if err == nil && !yes {
		return &exitError{code: exitOther, early: true, message: "nothing was sent", hint: "--yes sends without asking"}
	}
	return err
}

// end asks for the balance again and says what a row took off it.
func (m *measurement) end(ctx context.Context) (tally, error) {
	t, err := m.tally(ctx)
	if err != nil || t.paid == 0 {
		return t, err
	}
	after, err := m.account.Credits(ctx)
	if err != nil {
		return t, &exitError{code: exitOther, message: "the rows were sent, and Clay does not tell the balance any more: " + answered(err)}
	}
	each := func(before, after float64) float64 {
		return math.Round(max(before-after, 0)/float64(t.paid)*1000) / 1000
	}
	credits := each(m.before.Credits, after.Credits)
	text := fmt.Sprintf("cost: {data_credits: %s}", decimal(credits))
	if m.before.Actions != nil && after.Actions != nil {
		text = fmt.Sprintf("cost: {actions: %s, data_credits: %s}", decimal(each(*m.before.Actions, *after.Actions)), decimal(credits))
	}
	m.streams.tell(fmt.Sprintf("balance: %s before, %s after, for %s. Put this into the configuration of %s:\n",
		spellBalance(&m.before), spellBalance(&after), plural(t.paid, "row"), m.flags.target))
	_, err = fmt.Fprintln(m.streams.Out, text)
	if t.atClay > 0 || t.bad() > 0 {
		m.streams.tell("Not all of them came to a result, which may have cost less than the others.\n")
	}
	return t, err
}

// purse returns whom to ask for the balance of the workspace that the rows are charged to: Clay, its emulator, or the
// gateway that the rows go through, which passes the question on.
func (l *load) purse() (*clay.Client, error) {
	switch e := l.engine.(type) {
	case *remote:
		base, via := e.where, http.RoundTripper(&toWorkspace{ledger.WorkspaceOf(l.flags.target), http.DefaultTransport})
		if e.socket != "" {
			base = "http://localhost"
			via = &toWorkspace{ledger.WorkspaceOf(l.flags.target), &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "unix", e.socket)
			}}}
		}
		key := l.streams.Getenv("CLAYGATE_KEY")
		if key == "" {
			key = "none" // a gateway without keys
		}
		return clay.New(clay.Config{PublicAPIKey: key, PublicAPIURL: base + publicAPIPath, Transport: via, Timeout: accountTime})
	case *local:
		if base, key := e.app.EmulatedClay(); base != "" {
			return publicClient(base, key)
		}
	}
	key, err := neededKey(l.streams)
	if err != nil {
		return nil, err
	}
	return publicClient(clayURL(l.streams), key)
}

// toWorkspace names the workspace that a call is for.
type toWorkspace struct {
	name string
	http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (w *toWorkspace) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Claygate-Workspace", w.name)
	return w.RoundTripper.RoundTrip(r)
}
