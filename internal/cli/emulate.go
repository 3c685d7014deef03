package cli

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/lmittmann/tint"
	"github.com/spf13/cobra"

	"github.com/claygate/claygate/clay/claytest"
	"github.com/claygate/claygate/internal/app"
)

// The completion webhook of an emulated Clay. Its secret protects nothing.
const (
	emulatedWebhook = "wh_emulated"
	emulatedSecret  = "whsec_emulated_0123456789abcdef"
)

// emulateFlags are the flags of emulate.
type emulateFlags struct {
	listen, token, callbackURL, journal string
	completionURL                       string
	credits, apiPerSecond               float64
	runDelay, runLife                   time.Duration
	hideLimits                          bool
	botch                               string
	perSecond, misses                   float64
	limit                               int
	seed                                uint64
}

func newEmulate(s Streams) *cobra.Command {
	var f emulateFlags
	c := &cobra.Command{
		Use:   "emulate",
		Short: "Run an emulated Clay to develop against",
		Long: "emulate answers as Clay's webhooks do, with their limits, enriches each row it takes and posts it to the\n" +
			"callback URL as the HTTP API column does; and as Clay's Public API does, where every function:…, workflow:… and\n" +
			"table t_… exists. It prints what to export, then what arrives.",
		Example: "  claygate emulate --listen 127.0.0.1:8789",
		Args:    noArgs,
		RunE:    func(*cobra.Command, []string) error { return emulate(s, f) },
	}
	c.Flags().StringVar(&f.listen, "listen", "127.0.0.1:8789", "where to listen")
	c.Flags().StringVar(&f.token, "token", "", "the webhook token to ask for (default: none)")
	c.Flags().StringVar(&f.callbackURL, "callback-url", "http://"+defaultCallbackListen+app.CallbackPath+"default", "where the HTTP API column posts the enriched rows")
	c.Flags().StringVar(&f.completionURL, "completion-url", "", "where runs that name the webhook "+emulatedWebhook+" tell of their end (default: nowhere)")
	c.Flags().Float64Var(&f.credits, "credits", 0, "the balance, of which an item of a routine takes 1; negative for no end (default 10000)")
	c.Flags().DurationVar(&f.runDelay, "run-delay", 0, "what a run of a routine takes; negative for no time (default 1s to 5s)")
	c.Flags().DurationVar(&f.runLife, "run-life", 0, "how long after its end a run can be asked for (default: Clay's 24h)")
	c.Flags().Float64Var(&f.apiPerSecond, "api-per-second", 0, "the Public API's rate limit; negative for none (default 10, of bursts of 20)")
	c.Flags().BoolVar(&f.hideLimits, "hide-limits", false, "leave the X-RateLimit headers out of the Public API's 429")
	c.Flags().StringVar(&f.journal, "journal", "", "a file to remember the rows in, over restarts (default: none)")
	c.Flags().StringVar(&f.botch, "botch", "", "a mistake in the HTTP API column, for setup to find: "+botches())
	c.Flags().Float64Var(&f.perSecond, "per-second", 0, "the rate limit; negative for none (default: Clay's 10)")
	c.Flags().Float64Var(&f.misses, "misses", 0, "the share of rows nothing is found for; negative for none (default 0.1)")
	c.Flags().IntVar(&f.limit, "record-limit", 0, "the submissions a webhook takes in its life (default: Clay's 50000)")
	c.Flags().Uint64Var(&f.seed, "seed", 0, "makes the answers; the same seed gives the same ones")
	return c
}

// botches lists what --botch takes.
func botches() string {
	var names []string
	for _, m := range claytest.Mistakes() {
		names = append(names, string(m))
	}
	return strings.Join(names, ", ")
}

func emulate(s Streams, f emulateFlags) error {
	column := claytest.Column{URL: f.callbackURL}
	if f.botch != "" {
		var err error
		if column, err = column.Botched(claytest.Mistake(f.botch)); err != nil {
			return &usageError{message: "--botch: there is no mistake " + f.botch, hint: "there are " + botches()}
		}
	}
	api := claytest.PublicAPI{
		Credits: f.credits, Delay: claytest.Delay{Min: max(f.runDelay, 0), Max: f.runDelay}, Retention: f.runLife,
		PerSecond: f.apiPerSecond, HideLimits: f.hideLimits,
	}
	if f.completionURL != "" {
		api.Webhooks = []claytest.CompletionWebhook{{ID: emulatedWebhook, URL: f.completionURL, Secret: emulatedSecret}}
	}
	log := slog.New(tint.NewTextHandler(s.Out, &tint.Options{NoColor: !s.Terminal}))
	server, err := claytest.Start(claytest.Options{
		Listen: f.listen, Token: f.token, PerSecond: f.perSecond, Misses: f.misses, Cap: f.limit, Seed: f.seed,
		Column: column, PublicAPI: api, Journal: f.journal, Log: log,
	})
	if err != nil {
		return &usageError{message: "Clay cannot be emulated: " + strings.TrimPrefix(err.Error(), "claytest: "), hint: "choose another address with --listen"}
	}
	defer server.Close()
	fmt.Fprintf(s.Out, "Clay, emulated at %s. In another terminal:\n\n", server.URL())
	fmt.Fprintf(s.Out, "  export CLAY_WEBHOOK_URL=%s\n", server.WebhookURL("default"))
	if f.token != "" {
		fmt.Fprintf(s.Out, "  export CLAY_WEBHOOK_TOKEN=%s\n", f.token)
	}
	fmt.Fprintf(s.Out, "  export CLAY_API_URL=%s CLAY_PUBLIC_API_KEY=emulated\n", server.URL())
	fmt.Fprintf(s.Out, "  export CLAYGATE_PUBLIC_URL=http://%s CLAYGATE_LEDGER=emulate.db\n", defaultCallbackListen)
	if f.completionURL != "" {
		fmt.Fprintf(s.Out, "  export CLAY_COMPLETION_SECRET=%s\n  # and in serve's configuration: completion_webhook: {id: %s, secret: env:CLAY_COMPLETION_SECRET}\n", emulatedSecret, emulatedWebhook)
	}
	fmt.Fprintf(s.Out, "  claygate enrich leads.csv -o enriched.csv\n  claygate enrich leads.csv --routine function:t_demo -o enriched.csv\n\nCtrl-C ends it. What arrives:\n\n")
	<-s.Interrupt
	return nil
}
