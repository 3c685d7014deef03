package cli

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/lmittmann/tint"
	"github.com/spf13/cobra"

	"github.com/claygate/claygate/internal/app"
	"github.com/claygate/claygate/internal/config"
)

// serveFlags are the flags of serve.
type serveFlags struct {
	config  string
	emulate bool
	config.Overrides
}

func newServe(s Streams) *cobra.Command {
	var f serveFlags
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run the gateway: an HTTP API in front of Clay",
		Long: "serve takes records over HTTP, keeps each on disk before it says so, sends them to Clay at the pace Clay\n" +
			"allows, takes the callbacks and answers with the results. Without a file the table `default` is the one of\n" +
			"CLAY_WEBHOOK_URL. Its API is described at /docs.",
		Example: "  claygate serve --emulate\n  claygate serve --config claygate.yaml",
		Args:    noArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return serve(c.Context(), s, f) },
	}
	c.Flags().StringVarP(&f.config, "config", "c", "", "the configuration's `file`; claygate config example prints one")
	c.Flags().BoolVar(&f.emulate, "emulate", false, "use an emulated Clay in this process: no account, nothing leaves the machine")
	c.Flags().StringVar(&f.Listen, "listen", "", "where to serve the API (default "+config.DefaultListen+")")
	c.Flags().StringVar(&f.CallbackListen, "callback-listen", "", "where to take Clay's callbacks (default "+config.DefaultCallbackListen+")")
	c.Flags().StringVar(&f.PublicURL, "public-url", "", "the URL under which Clay reaches --callback-listen")
	c.Flags().StringVar(&f.Ledger, "ledger", "", "the ledger's file, or postgres://… or env:NAME for a database (default: a file in the user's state folder)")
	c.Flags().StringVar(&f.LogLevel, "log-level", "", "debug, info, warn or error (default info)")
	c.Flags().StringVar(&f.LogFormat, "log-format", "", "text, json, or auto: text on a terminal (default auto)")
	return c
}

// stopTime is how long a stopping server waits for requests under way.
const stopTime = 35 * time.Second

func serve(ctx context.Context, s Streams, f serveFlags) error {
	c, err := f.load(s)
	if err != nil {
		return err
	}
	log := serverLog(s, c.Log)
	run := f.run(c, log)
	run.Socket, run.Version, run.Log = true, version(), log
	said := &sync.Map{}
	run.Source = func() (app.Config, error) {
		c, err := f.load(s)
		if err != nil {
			return app.Config{}, err
		}
		f.columns(c, log, said)
		return f.run(c, log), nil
	}
	if f.emulate {
		run.Emulate = &app.Emulation{Journal: c.Ledger + ".clay"}
	}
	a, err := app.Open(ctx, run)
	if err != nil {
		return err
	}
	a.Start(0)
	log.Info("serving", "api", "http://"+a.APIAddr(), "docs", "http://"+a.APIAddr()+"/docs",
		"callbacks", "http://"+a.CallbackAddr(), "ledger", c.Ledger, "targets", len(run.Targets), "emulated", f.emulate)
	f.columns(c, log, said)
	broken := untilInterrupted(ctx, s, a)
	return errors.Join(broken, stopServing(ctx, s, a, log))
}

// load reads the configuration.
func (f serveFlags) load(s Streams) (config.Config, error) {
	c, err := config.Load(config.Source{Path: f.config, Flags: f.Overrides, Emulate: f.emulate, Passes: true, Getenv: s.Getenv})
	if err != nil || c.Database.IsSet() {
		return c, err
	}
	c.Ledger, err = ledgerPath(s, c.Ledger, f.emulate)
	return c, err
}

// run returns what runs a configuration, and logs what is probably not meant in it.
func (f serveFlags) run(c config.Config, log *slog.Logger) app.Config {
	for _, w := range c.Warnings() {
		if !f.emulate { // which needs neither secrets nor a public URL
			log.Warn(w.Error())
		}
	}
	return app.FromConfig(c)
}

// columns logs what Clay has to call, of each column once: there may be hundreds, and reloads.
func (f serveFlags) columns(c config.Config, log *slog.Logger, said *sync.Map) {
	for _, t := range c.Targets() {
		url := c.PublicURL + app.CallbackPath + t.Short()
		if c.PublicURL == "" || t.Kind != config.KindTable || !t.Table.AwaitsResult || f.emulate {
			continue
		}
		if _, again := said.LoadOrStore(url, true); !again {
			log.Info("its column calls", "target", t.Short(), "url", url)
		}
	}
}

// untilInterrupted serves, and reads the configuration again whenever it is told to. The error is that of a disk that
// failed under the ledger.
func untilInterrupted(ctx context.Context, s Streams, a *app.App) error {
	for {
		select {
		case <-s.Interrupt:
			return nil
		case err := <-a.Broken():
			return err
		case <-s.Reload:
			_ = a.ReloadLocally(ctx) // the log says what is wrong with it
		}
	}
}

// stopServing lets what is under way end. Another interrupt cuts it short.
func stopServing(ctx context.Context, s Streams, a *app.App, log *slog.Logger) (err error) {
	log.Info("stopping: requests under way are finished, nothing new is sent")
	ctx, cancel := context.WithTimeout(ctx, stopTime)
	defer cancel()
	stopped := make(chan error, 1)
	go func() { stopped <- a.Stop(ctx) }()
	select {
	case err = <-stopped:
	case <-s.Interrupt:
		cancel()
		err = <-stopped
	}
	if err != nil {
		log.Warn("some requests were still under way: their records are uncertain, and are settled at the next start")
	}
	return errors.Join(a.Close())
}

// serverLog returns the log that the configuration asks for.
func serverLog(s Streams, c config.Log) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		level = slog.LevelInfo // config knows no other names
	}
	if c.Format == config.JSON || c.Format == config.Auto && !s.Terminal {
		return slog.New(slog.NewJSONHandler(s.Err, &slog.HandlerOptions{Level: level}))
	}
	return slog.New(tint.NewTextHandler(s.Err, &tint.Options{Level: level, NoColor: !s.Terminal}))
}
