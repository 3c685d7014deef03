package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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
	c.Flags().StringVar(&f.Ledger, "ledger", "", "the ledger's file (default: in the user's state folder)")
	c.Flags().StringVar(&f.LogLevel, "log-level", "", "debug, info, warn or error (default info)")
	c.Flags().StringVar(&f.LogFormat, "log-format", "", "text, json, or auto: text on a terminal (default auto)")
	return c
}

// stopTime is how long a stopping server waits for requests under way.
const stopTime = 35 * time.Second

func serve(ctx context.Context, s Streams, f serveFlags) error {
	c, err := config.Load(config.Source{Path: f.config, Flags: f.Overrides, Emulate: f.emulate, Getenv: s.Getenv})
	if err != nil {
		return err
	}
	log := serverLog(s, c.Log)
	for _, w := range c.Warnings() {
		if !f.emulate { // which needs neither secrets nor a public URL
			log.Warn(w.Error())
		}
	}
	if c.Ledger, err = ledgerPath(s, c.Ledger, f.emulate); err != nil {
		return err
	}
	run := app.FromConfig(c)
	run.Socket, run.Version, run.Log = true, version(), log
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
	<-s.Interrupt
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

func newConfig(s Streams) *cobra.Command {
	c := &cobra.Command{Use: "config", Short: "Check a configuration, or print an example", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(&cobra.Command{
		Use: "example", Short: "Print a configuration with every key explained", Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprint(s.Out, config.Example())
			return err
		},
	}, &cobra.Command{
		Use: "check FILE", Short: "Say every mistake in a configuration, and what it leads to",
		Args: oneArg("a file", "e.g. claygate config check claygate.yaml"),
		RunE: func(_ *cobra.Command, args []string) error { return checkConfig(s, args[0]) },
	})
	return c
}

func checkConfig(s Streams, path string) error {
	c, err := config.Load(config.Source{Path: path, Getenv: s.Getenv})
	if err != nil {
		return err
	}
	for _, w := range c.Warnings() {
		fmt.Fprintln(s.Err, "warning: "+w.Error())
	}
	fmt.Fprintf(s.Out, "%s is right. It serves %s on %s and takes callbacks on %s.\n", path, plural(len(c.Targets()), "target"), c.Listen, c.CallbackListen)
	for _, t := range c.Targets() {
		fmt.Fprintf(s.Out, "  %s (%s)\n", t.Short(), t.Kind)
	}
	return nil
}
