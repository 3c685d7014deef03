package cli

import (
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/claygate/claygate/client"
	"github.com/claygate/claygate/internal/config"
)

// public_url is there so that claygate can say which URL a column must call, and it never said it.
func TestServeSaysWhatColumnsCall(t *testing.T) {
	table := config.Table{AwaitsResult: true}
	c := config.Config{PublicURL: "https://hooks.example.com/x", Workspaces: map[string]config.Workspace{
		"main": {Tables: map[string]config.Table{"people": table, "mute": {}}}, "acme": {Tables: map[string]config.Table{"leads": table}},
	}}
	log := &strings.Builder{}
	said := &sync.Map{}
	for range 2 { // a reload says nothing again
		serveFlags{}.columns(c, slog.New(slog.NewTextHandler(log, nil)), said)
	}
	for _, url := range []string{"https://hooks.example.com/x/callbacks/people", "https://hooks.example.com/x/callbacks/acme/leads"} {
		if strings.Count(log.String(), "url="+url) != 1 {
			t.Errorf("%s is not once in the log:\n%s", url, log)
		}
	}
	if strings.Contains(log.String(), "mute") {
		t.Errorf("a table without results is in the log:\n%s", log)
	}
}

// A webhook without a limit was shown as "5 of 0", as if it were more than used up.
func TestUsedOfWebhookWithoutLimit(t *testing.T) {
	for _, tt := range []struct {
		of   client.Webhook
		want string
	}{{client.Webhook{Used: 5}, "5, no limit"}, {client.Webhook{Used: 5, Limit: 10}, "5 of 10"}} {
		if got := used(tt.of); got != tt.want {
			t.Errorf("%+v is %q, want %q", tt.of, got, tt.want)
		}
	}
}

// The file was taken bare only, while every other command takes it by --config.
func TestConfigCheckTakesTheFileLikeServe(t *testing.T) {
	for name, args := range map[string][]string{"bare": {"nothing.yaml"}, "--config": {"--config", "nothing.yaml"}, "-c": {"-c", "nothing.yaml"}} {
		c := newConfigCheck(Streams{Getenv: func(string) string { return "" }, Out: io.Discard, Err: io.Discard})
		c.SetArgs(args)
		c.SilenceErrors, c.SilenceUsage = true, true
		if err := c.Execute(); err == nil || !strings.Contains(err.Error(), "nothing.yaml") {
			t.Errorf("%s: %v", name, err)
		}
	}
	c := newConfigCheck(Streams{})
	c.SilenceErrors, c.SilenceUsage = true, true
	for _, args := range [][]string{{}, {"-c", "a.yaml", "b.yaml"}, {"a.yaml", "b.yaml"}} {
		c.SetArgs(args)
		if c.Execute() == nil {
			t.Errorf("%q is taken", args)
		}
	}
}
