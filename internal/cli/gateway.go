package cli

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/claygate/claygate/client"
	"github.com/claygate/claygate/internal/app"
	"github.com/claygate/claygate/internal/config"
)

// gatewayFlags say which gateway a command speaks to.
type gatewayFlags struct {
	url, ledger, config string
	emulate, json       bool
	loaded              *config.Config // read already, with its secrets; nil to have it read
}

func (f *gatewayFlags) add(c *cobra.Command) {
	c.PersistentFlags().StringVar(&f.url, "gateway", "", "the URL of a running gateway (or CLAYGATE_GATEWAY; its key in CLAYGATE_KEY)")
	c.PersistentFlags().StringVar(&f.ledger, "ledger", "", "the ledger on this machine, in use or not (default: in the user's state folder; or CLAYGATE_LEDGER)")
	c.PersistentFlags().StringVarP(&f.config, "config", "c", "", "the configuration, for a ledger that is not in use")
	c.PersistentFlags().BoolVar(&f.emulate, "emulate", false, "the ledger of --emulate")
	c.PersistentFlags().BoolVar(&f.json, "json", false, "JSON lines, as pipes get them")
}

// gateway is what an operating command speaks to.
type gateway struct {
	*client.Client
	app *app.App // opened for this command alone; nil where another process serves
}

// open finds the gateway: the one named, else the process that has the ledger in use, else the ledger itself, opened
// for as long as the command runs and sending nothing.
func (f *gatewayFlags) open(ctx context.Context, s Streams) (*gateway, error) {
	url := f.url
	if url == "" && f.ledger == "" && !f.emulate {
		url = s.Getenv("CLAYGATE_GATEWAY")
	}
	if url != "" {
		return connect(client.Config{BaseURL: url, Key: s.Getenv("CLAYGATE_KEY"), Patience: operatePatience}, nil)
	}
	path, err := ledgerPath(s, f.ledger, f.emulate)
	if err != nil {
		return nil, err
	}
	if socket := app.SocketPath(path); answers(socket) {
		return connect(client.Config{BaseURL: "unix:" + socket, Patience: operatePatience}, nil)
	}
	if _, err := os.Stat(path); err != nil {
		return nil, &usageError{message: "there is no ledger " + path, hint: "name one with --ledger, or a running gateway with --gateway"}
	}
	a, err := app.Open(ctx, f.idle(s, path))
	if err != nil {
		return nil, err
	}
	return connect(client.Config{HTTPClient: &http.Client{Transport: within{a.Trusted}}}, a)
}

// operatePatience is how long an operating command asks a gateway that does not answer: somebody sits there and waits.
const operatePatience = 5 * time.Second

func connect(c client.Config, a *app.App) (*gateway, error) {
	to, err := client.New(c)
	if err != nil {
		return nil, &usageError{message: "--gateway: " + err.Error()}
	}
	return &gateway{Client: to, app: a}, nil
}

func (g *gateway) close() error {
	g.Close()
	if g.app != nil {
		return g.app.Close()
	}
	return nil
}

// idle is an app on the ledger that knows the configured targets and sends nothing.
func (f *gatewayFlags) idle(s Streams, path string) app.Config {
	if f.loaded != nil {
		run := app.FromConfig(*f.loaded)
		return app.Config{Ledger: path, Targets: run.Targets, PublicAPI: run.PublicAPI, Budgets: run.Budgets, Destinations: run.Destinations, Passive: true, Version: version()}
	}
	source := config.Source{Path: f.config, Getenv: s.Getenv}
	source.Emulate = f.config != "" // a file's secrets are not needed to look
	run := app.Config{}
	if c, err := config.Load(source); err == nil { // else nothing is configured: the records are there all the same
		run = app.FromConfig(c)
	}
	for i := range run.Targets {
		run.Targets[i].Webhooks, run.Targets[i].Lookup = nil, nil // whatever Clay they are of, nothing goes there
	}
	for workspace := range run.PublicAPI { // which routines need to have; their names say which workspaces there are
		run.PublicAPI[workspace] = app.PublicAPI{Key: "unused"}
	}
	return app.Config{
		Ledger: path, Targets: run.Targets, PublicAPI: run.PublicAPI, Budgets: run.Budgets, Destinations: run.Destinations, Passive: true,
		Version: version(),
	}
}

// answers reports whether a process listens on a socket.
func answers(socket string) bool {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return false
	}
	return conn.Close() == nil
}

// interruptible returns a context that ends with the next interrupt.
func interruptible(ctx context.Context, s Streams) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-s.Interrupt:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// operate runs a command on the gateway.
func operate(f *gatewayFlags, s Streams, do func(ctx context.Context, g *gateway, args []string) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) (err error) {
		ctx, cancel := interruptible(c.Context(), s)
		defer cancel()
		g, err := f.open(ctx, s)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, g.close()) }()
		err = do(ctx, g, args)
		if ctx.Err() != nil {
			return &exitError{code: exitInterrupted}
		}
		return err
	}
}
