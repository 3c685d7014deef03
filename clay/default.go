package clay

import (
	"cmp"
	"errors"
	"os"
	"strings"
	"sync"
)

var shared struct {
	sync.Mutex
	client *Client
}

// Default returns the client that the whole program shares, so that it keeps one
// pace and one set of connections. The first call makes it from CLAY_WEBHOOK_URL,
// CLAY_WEBHOOK_TOKEN and, for the Public API, CLAY_PUBLIC_API_KEY, for lookups
// CLAY_ENTERPRISE_API_KEY, each of them or else CLAY_API_KEY. CLAY_API_URL is the
// BaseURL, e.g. of an emulated Clay.
//
// When neither a URL nor a key is set, or one is malformed, it returns an error of
// KindConfig and looks again at the next call. It is safe for concurrent use.
func Default() (*Client, error) {
	shared.Lock()
	defer shared.Unlock()
	if shared.client != nil {
		return shared.client, nil
	}
	cfg := Config{
		WebhookURL:    env("CLAY_WEBHOOK_URL"),
		WebhookToken:  env("CLAY_WEBHOOK_TOKEN"),
		PublicAPIKey:  cmp.Or(env("CLAY_PUBLIC_API_KEY"), env("CLAY_API_KEY")),
		BaseURL:       env("CLAY_API_URL"),
		EnterpriseKey: cmp.Or(env("CLAY_ENTERPRISE_API_KEY"), env("CLAY_API_KEY")),
	}
	if cfg.WebhookURL == "" && cfg.PublicAPIKey == "" && cfg.EnterpriseKey == "" {
		return nil, refused(opDefault, KindConfig, "export CLAY_WEBHOOK_URL with the address that Clay shows for the table's webhook source",
			errors.New("neither CLAY_WEBHOOK_URL nor a key of an API is in the environment"))
	}
	c, err := New(cfg)
	if e := asError(err); e != nil {
		e.Op = opDefault
		e.Hint += " (read from CLAY_WEBHOOK_URL, CLAY_WEBHOOK_TOKEN, CLAY_PUBLIC_API_KEY, CLAY_ENTERPRISE_API_KEY, CLAY_API_KEY or CLAY_API_URL)"
		return nil, e
	}
	shared.client = c
	return c, nil
}

const opDefault = "default client"

// env reads a variable without the line break that files and shells leave at its end.
func env(name string) string { return strings.TrimSpace(os.Getenv(name)) }
