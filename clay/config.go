package clay

import (
	"cmp"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// Config says how to reach Clay. The zero value of each field means its default.
// At least one of WebhookURL, PublicAPIKey and EnterpriseKey must be set.
type Config struct {
	// WebhookURL is the address that Clay shows for a table's webhook source, e.g.
	// https://api.clay.com/v3/sources/webhook/… Whoever knows it can add rows, so
	// it is treated as a secret. Needed to send records.
	WebhookURL string
	// WebhookToken is the webhook's authentication token, sent as
	// x-clay-webhook-auth. Empty for webhooks without one.
	WebhookToken string
	// PublicAPIKey is a key of Clay's Public API, sent as clay-api-key: for routines,
	// searches, table queries, Me and Credits. Sending records does not need it.
	PublicAPIKey string
	// PublicAPIURL is where the Public API is. Default /public/v0 under BaseURL, so that
	// whoever names another Clay there means it for everything.
	PublicAPIURL string
	// EnterpriseKey is the key for EnrichPerson and EnrichCompany. Sending records
	// does not need it.
	EnterpriseKey string
	// BaseURL is Clay's address, for lookups and the Public API. Default
	// https://api.clay.com.
	BaseURL string

	// Retries is how often a send or lookup is tried again after the first try.
	// Default 3; negative means not at all. Throttled tries do not count: Clay
	// drops those records, whatever they are, so they are repeated until MaxElapsed.
	Retries int
	// ResendUncertain lets Send repeat a record whose fate is unknown. Default
	// false: Clay makes a row for each, so a repeat may make, and charge, a second one.
	ResendUncertain bool
	// MaxElapsed bounds one send or lookup from its first try on, waits included. A
	// wait that would pass it is not begun: the error comes at once and its
	// RetryAfter says how long Clay wants to be left alone. A try under way is not cut
	// short, because then nobody knows what became of the record. Default 5 min.
	MaxElapsed time.Duration
	// Timeout bounds one try from the dial to the last byte of the answer.
	// Default 30 s. Of it 5 s are for the dial, 5 s for TLS, and half, but at least
	// 15 s, for the answer's header. Too short a timeout makes sends whose fate is unknown.
	Timeout time.Duration

	// Pacer spaces the sends. Default: one of this client's own with Clay's limit,
	// 10 a second and bursts of 10. Clay counts per workspace, so clients of the
	// same workspace should share one.
	Pacer *Pacer
	// PublicAPIPacer spaces the requests to the Public API, whose limit Clay does not
	// publish. Default: one of this client's own with 5 a second and bursts of 5,
	// which slows down when Clay says so.
	PublicAPIPacer *Pacer
	// Concurrency is how many sends are in flight at most, and how many idle
	// connections are kept. Default 16: enough for 10 a second at 1.6 s of latency.
	Concurrency int

	// HTTPClient lends its Transport, and its Timeout where Timeout is not set. Its
	// other fields do not apply: redirects are never followed, cookies never kept.
	// Default: none.
	HTTPClient *http.Client
	// Transport sends the requests; it is for those who have no HTTPClient around it.
	// Default: one of this package's own, HTTP/1.1, with the environment's proxy. With
	// another one less can be known about a send that fails, and more of them end as
	// unknown.
	Transport http.RoundTripper
	// Logger gets one line per failed try. Default: none. It is never given a
	// record, a URL's path or a token.
	Logger *slog.Logger
	// Observer is told of every try and wait. Default: nobody.
	Observer Observer
}

const (
	defaultBaseURL     = "https://api.clay.com"
	publicAPIPath      = "/public/v0"
	defaultRetries     = 3
	defaultMaxElapsed  = 5 * time.Minute
	defaultTimeout     = 30 * time.Second
	defaultConcurrency = 16
)

// withDefaults returns a copy with every zero value replaced.
func (c Config) withDefaults() Config {
	if c.HTTPClient != nil {
		c.Transport = c.HTTPClient.Transport
		c.Timeout = cmp.Or(c.Timeout, c.HTTPClient.Timeout)
	}
	c.Retries = cmp.Or(c.Retries, defaultRetries)
	c.MaxElapsed = cmp.Or(c.MaxElapsed, defaultMaxElapsed)
	c.Timeout = cmp.Or(c.Timeout, defaultTimeout)
	c.Concurrency = cmp.Or(c.Concurrency, defaultConcurrency)
	c.BaseURL = cmp.Or(c.BaseURL, defaultBaseURL)
	c.PublicAPIURL = cmp.Or(c.PublicAPIURL, strings.TrimRight(c.BaseURL, "/")+publicAPIPath)
	if c.PublicAPIPacer == nil {
		c.PublicAPIPacer = NewPacer(defaultAPIPerSecond, defaultAPIBurst)
	}
	if c.Pacer == nil {
		c.Pacer = NewPacer(0, 0)
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// String describes the configuration without its secrets, so that printing or
// logging one does no harm.
func (c Config) String() string {
	shown := func(s string) string {
		if s == "" {
			return "unset"
		}
		return "set"
	}
	return "clay.Config{WebhookURL: " + shown(c.WebhookURL) + ", WebhookToken: " + shown(c.WebhookToken) +
		", PublicAPIKey: " + shown(c.PublicAPIKey) + ", EnterpriseKey: " + shown(c.EnterpriseKey) + "}"
}

// GoString is String, for %#v.
func (c Config) GoString() string { return c.String() }

// LogValue is String, for log/slog.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }
