package cli

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/internal/config"
	"github.com/claygate/claygate/internal/doctor"
)

// keys tries each workspace's keys, as far as that costs nothing.
func (e *examination) keys(ctx context.Context) {
	for _, name := range slices.Sorted(maps.Keys(e.config.Workspaces)) {
		w := e.config.Workspaces[name]
		switch {
		case w.PublicAPIKey.IsSet():
			e.add(publicFinding(ctx, name, w))
		case len(w.Routines) > 0:
			e.add(doctor.Finding{Check: "key of " + name, State: doctor.Broken, Says: "its routines have no key", Do: "write public_api_key: env:" + envPublicKey})
		}
		if len(w.Lookups) > 0 && w.EnterpriseAPIKey.String() != w.PublicAPIKey.String() {
			e.add(doctor.Finding{Check: "enterprise key of " + name, State: doctor.Skipped, Says: "a try may cost; for most workspaces Clay has retired these endpoints (404)",
				Do: "where they answer \"deprecated API endpoint\", use a routine in their place: docs/routines.md"})
		}
	}
}

// publicFinding asks the Public API whose key it is.
func publicFinding(ctx context.Context, workspace string, w config.Workspace) doctor.Finding {
	f := doctor.Finding{Check: "key of " + workspace, State: doctor.Broken}
	from := reference(w.PublicAPIKey)
	key := w.PublicAPIKey.Reveal()
	if f.Says, f.Do = keyForm(key); f.Says != "" {
		f.Says = from + " " + f.Says
		return f
	}
	client, err := publicClient(w.BaseURL, key)
	if err != nil {
		f.Says, f.Do, _ = explain(err)
		return f
	}
	defer client.Close()
	who, err := client.Me(ctx)
	switch {
	case errors.Is(err, clay.KindUnauthorized), errors.Is(err, clay.KindForbidden):
		f.Says, f.Do, _ = explain(refusedKey(from, err))
	case err != nil:
		f.State, f.Says = doctor.Warning, "whether "+from+" works could not be found out"
		f.Do = "see what is said about clay"
	default:
		f.State, f.Says = doctor.OK, from+" works, for Clay's workspace "+who.WorkspaceID
		b, err := balanceOf(ctx, client)
		if err == nil && b != nil {
			f.Says += ": " + spellBalance(b)
			if b.Credits <= 0 {
				f.State, f.Do = doctor.Warning, "add credits in Clay: what costs some will fail"
			}
		}
	}
	return f
}

// keyForm says what is wrong with a key by its looks.
func keyForm(key string) (says, do string) {
	switch {
	case len(key) > 6 && strings.EqualFold(key[:6], "bearer"):
		return "holds the word Bearer", "leave it out: the key alone goes into the header clay-api-key"
	case strings.ContainsAny(key, `"'`):
		return "holds quotes", "leave them out: they are for the shell"
	case strings.Contains(key, "://"):
		return "holds a URL", "it must be a key, made in Clay under Settings, Account, API keys"
	case strings.HasPrefix(key, "whsec_"):
		return "holds the signing secret of a completion webhook", "it must be a key, made in Clay under Settings, Account, API keys"
	case strings.HasPrefix(key, "cg_"):
		return "holds a key of claygate's own", "it must be a key of Clay's, made there under Settings, Account, API keys"
	}
	return "", ""
}
