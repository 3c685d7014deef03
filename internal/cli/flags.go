package cli

import (
	"fmt"
	"math"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/claygate/claygate/internal/app"
	"github.com/claygate/claygate/internal/ledger"
	"github.com/claygate/claygate/internal/sheet"
)

// loadFlags are the flags of the commands that load a file.
type loadFlags struct {
	target, ledger, job, encoding string
	gateway                       string
	emulate, fresh, dryRun, json  bool
	verbose                       bool
	limit                         int
	retry                         []string
	confirmAbove                  string
	patience                      span
	pace                          float64

	// Of enrich alone.
	output, dedupeBy          string
	callbackListen, publicURL string
	maxAge, resultTimeout     span
	escapeFormulas            bool
	listens                   bool // callbackListen was given
	routine                   routineFlags
	lookup                    lookupKind // the Enterprise endpoint to ask in place of a table; "" for none
}

// defaultCallbackListen is where callbacks are taken. A tunnel or a proxy with a public URL leads there.
const defaultCallbackListen = "127.0.0.1:8788"

// addLoad adds the flags that enrich and send share.
func (f *loadFlags) addLoad(c *cobra.Command) {
	c.Flags().StringVarP(&f.target, "target", "t", defaultTarget, "the table to send to")
	c.Flags().BoolVar(&f.emulate, "emulate", false, "use an emulated Clay in this process: no account, nothing leaves the machine")
	c.Flags().StringVar(&f.ledger, "ledger", "", "the ledger's file (default: in the user's state folder; or CLAYGATE_LEDGER)")
	c.Flags().StringVar(&f.gateway, "gateway", "", "the URL of a running gateway to hand the rows to (or CLAYGATE_GATEWAY; its key in CLAYGATE_KEY)")
	c.Flags().StringVar(&f.job, "job", "", "the load's name, by which a second run goes on (default: the input's path)")
	c.Flags().StringVar(&f.encoding, "encoding", "", "the input's character encoding, such as windows-1252 (default: found out)")
	c.Flags().IntVar(&f.limit, "limit", 0, "take only the first N rows (default: all)")
	c.Flags().StringSliceVar(&f.retry, "retry", nil, "send rows of an earlier run again that are: failed, expired, uncertain")
	c.Flags().Var(&f.patience, "patience", "give up when nothing has got through to Clay for this long (default 2m)")
	c.Flags().Float64Var(&f.pace, "pace", 0, "rows a second, for workspaces whose limit Clay's support has raised (default: Clay's 10)")
	c.Flags().BoolVar(&f.fresh, "fresh", false, "begin anew: send every row again, whatever an earlier run did")
	c.Flags().BoolVar(&f.dryRun, "dry-run", false, "say what would be sent, and send nothing")
	c.Flags().StringVar(&f.confirmAbove, "confirm-above", "", "ask before more rows than this are sent, or more of records=N,actions=N,data_credits=N (or CLAYGATE_CONFIRM_ABOVE)")
	c.Flags().BoolVarP(&f.routine.yes, "yes", "y", false, "do not ask before what may cost: a routine's run, or more than --confirm-above")
	c.Flags().BoolVar(&f.json, "json", false, "progress and summary as JSON lines on stderr")
	c.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "log every request and callback on stderr")
}

// addEnrich adds the flags of enrich alone.
func (f *loadFlags) addEnrich(c *cobra.Command) {
	c.Flags().StringVarP(&f.output, "output", "o", sheet.Stdio, "the enriched file; - is stdout")
	c.Flags().StringVar(&f.dedupeBy, "dedupe-by", "", "columns that make two rows the same work; none for none (default: the first of email, linkedin_url, domain)")
	c.Flags().Var(&f.maxAge, "max-age", "reuse results up to this old; 0 for none (default 30d)")
	c.Flags().Var(&f.resultTimeout, "result-timeout", "how long to wait for a row's result after it was sent (default 30m)")
	c.Flags().StringVar(&f.callbackListen, "callback-listen", defaultCallbackListen, "where to take Clay's callbacks")
	c.Flags().StringVar(&f.publicURL, "public-url", "", "the URL under which Clay reaches --callback-listen (or CLAYGATE_PUBLIC_URL)")
	f.routine.add(c)
	c.Flags().BoolVar(&f.escapeFormulas, "escape-formulas", false, "put ' before cells that a spreadsheet would take for a formula")
}

// check refuses what cannot work before anything is opened.
func (f *loadFlags) check() error {
	for _, what := range f.retry {
		if _, ok := retries[what]; !ok {
			return &usageError{message: "--retry: there is no " + what, hint: "it takes failed, expired and uncertain, separated by commas"}
		}
	}
	switch {
	case f.fresh && len(f.retry) > 0:
		return &usageError{message: "--fresh and --retry exclude each other", hint: "--fresh sends every row again, --retry only those that failed"}
	case f.limit < 0:
		return &usageError{message: fmt.Sprintf("--limit: %d is less than 1", f.limit), hint: "leave it out to take all rows"}
	case !(f.pace >= 0 && f.pace <= maxPace):
		return &usageError{message: fmt.Sprintf("--pace: %g is no number of rows a second", f.pace), hint: "leave it out unless Clay's support has raised your limit"}
	case f.target == "" || strings.ContainsAny(f.target, "?#% ") || strings.Count(f.target, "/") > 1 || strings.HasPrefix(f.target, "/"):
		return f.noName()
	}
	return f.checkRoutine()
}

// noName refuses a target's name.
func (f *loadFlags) noName() error {
	return &usageError{message: fmt.Sprintf("--target: %q is not a name", f.target), hint: "use letters, digits and dashes: it is the end of the callbacks' URL"}
}

// maxPace is more than Clay will ever take.
const maxPace = 10_000

// lanePace is the pace to send at. A raised limit is taken to allow bursts in the same proportion as Clay's own does.
func (f *loadFlags) lanePace() ledger.Pace {
	if f.routine.asked() {
		return routinePace
	}
	if f.pace == 0 {
		return ledger.Pace{PerSecond: ledger.DefaultPerSecond, Burst: ledger.DefaultBurst}
	}
	return ledger.Pace{PerSecond: f.pace, Burst: int(math.Ceil(f.pace))}
}

// named returns the gateway that is to be used, "" for none.
func (f *loadFlags) named(s Streams) string {
	if f.gateway == "" && f.ledger == "" && !f.emulate {
		return s.Getenv("CLAYGATE_GATEWAY")
	}
	return f.gateway
}

// gatewayDecides refuses what is not this command's to say where a gateway sends the rows.
func (f *loadFlags) gatewayDecides() error {
	if f.routine.asked() {
		return &usageError{
			message: "--routine: another process sends these rows, and only to the targets that it was started with",
			hint:    "configure the routine there and name it with -t, wait until that process has ended, or name another ledger with --ledger",
		}
	}
	for _, flag := range []struct {
		name string
		set  bool
	}{{"--pace", f.pace != 0}, {"--callback-listen", f.listens}} {
		if flag.set {
			return &usageError{message: flag.name + ": a running gateway sends these rows, and decides that itself", hint: "leave it out, or set it where the gateway is configured"}
		}
	}
	return nil
}

// table returns the table to send to, from the environment unless Clay is emulated.
func (f *loadFlags) table(s Streams) (app.Target, error) {
	t := app.Target{Name: f.target}
	if strings.Contains(f.target, "/") { // only a gateway has workspaces
		return t, f.noName()
	}
	if f.emulate {
		return t, nil
	}
	t.CallbackSecret = s.Getenv("CLAYGATE_CALLBACK_SECRET")
	webhook := app.Webhook{URL: s.Getenv("CLAY_WEBHOOK_URL"), Token: s.Getenv("CLAY_WEBHOOK_TOKEN")}
	if webhook.URL == "" {
		return t, &usageError{
			message: "no table to send to: CLAY_WEBHOOK_URL is not set",
			hint:    "set it to the URL of the table's webhook source in Clay, or try --emulate, which needs no account",
		}
	}
	t.Webhooks = []app.Webhook{webhook}
	return t, nil
}

// callbackURL checks that results can come back, and returns the URL that the table's column must call.
func (f *loadFlags) callbackURL(s Streams) (string, error) {
	if f.emulate || f.dryRun {
		return "", nil
	}
	base := f.publicURL
	if base == "" {
		base = s.Getenv("CLAYGATE_PUBLIC_URL")
	}
	if base == "" {
		return "", &usageError{
			message: "Clay would have nowhere to send the results: --public-url is missing",
			hint: "give the https URL of a tunnel or proxy to " + f.callbackListen +
				"; `claygate send` sends rows without awaiting results, and --emulate needs no Clay",
		}
	}
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || !slices.Contains([]string{"http", "https"}, u.Scheme) || u.RawQuery != "" {
		return "", &usageError{message: "--public-url: " + base + " is not a URL", hint: "e.g. https://hooks.example.com"}
	}
	return strings.TrimRight(base, "/") + app.CallbackPath + f.target, nil
}
