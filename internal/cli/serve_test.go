package cli

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/claygate/claygate/internal/config"
)

// public_url is there so that claygate can say which URL a column must call, and it never said it.
func TestServeSaysWhatColumnsCall(t *testing.T) {
	table := config.Table{AwaitsResult: true}
	c := config.Config{PublicURL: "https://hooks.example.com/x", Workspaces: map[string]config.Workspace{
		"main": {Tables: map[string]config.Table{"people": table, "mute": {}}}, "acme": {Tables: map[string]config.Table{"leads": table}},
	}}
	log := &strings.Builder{}
	serveFlags{}.run(c, slog.New(slog.NewTextHandler(log, nil)))
	for _, url := range []string{"https://hooks.example.com/x/callbacks/people", "https://hooks.example.com/x/callbacks/acme/leads"} {
		if !strings.Contains(log.String(), "url="+url) {
			t.Errorf("%s is not in the log:\n%s", url, log)
		}
	}
	if strings.Contains(log.String(), "mute") {
		t.Errorf("a table without results is in the log:\n%s", log)
	}
}
