package clay

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Config says how to reach Clay. The zero value of each field means its default.
type Config struct {
	// WebhookURL is the address that Clay shows for a table's webhook source, e.g.
	// https://api.clay.com/v3/sources/webhook/… Whoever knows it can add rows, so
	// it is treated as a secret. Needed to send records.
	WebhookURL string
	// WebhookToken is the webhook's authentication token, sent as
	// x-clay-webhook-auth. Empty for webhooks without one.
	WebhookToken string

	// Concurrency is how many requests are in flight at most, and how many idle
	// connections are kept. Default 16: enough for Clay's 10 a second at 1.6 s of latency.
	Concurrency int
	// Timeout bounds one try from the dial to the last byte of the answer.
	// Default 30 s. Too short a timeout makes sends whose fate is unknown.
	Timeout time.Duration
	// Transport sends the requests. Default: one of this package's own, HTTP/1.1, with
	// 5 s to dial, 5 s for TLS and 15 s for the answer's header. With another one
	// less can be known about a send that fails, and more of them end as unknown.
	Transport http.RoundTripper
}

const (
	defaultConcurrency = 16
	defaultTimeout     = 30 * time.Second
)

// withDefaults returns a copy with every zero value replaced.
func (c Config) withDefaults() Config {
	if c.Concurrency == 0 {
		c.Concurrency = defaultConcurrency
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	return c
}

func (c Config) validate() error {
	switch {
	case c.WebhookURL == "":
		return badConfig("set WebhookURL to the address that Clay shows for the table's webhook source", "WebhookURL is empty")
	case c.Concurrency < 0:
		return badConfig("use 0 for the default of 16", "Concurrency is negative: %d", c.Concurrency)
	case c.Timeout < 0:
		return badConfig("use 0 for the default of 30 s", "Timeout is negative: %s", c.Timeout)
	}
	return checkSecret("WebhookToken", c.WebhookToken)
}

// checkSecret refuses what cannot be a header's value. Such a token is mostly one
// with a line break at its end, read from a file.
func checkSecret(field, value string) error {
	for _, c := range []byte(value) {
		if c <= ' ' || c == 0x7f {
			return badConfig("trim it; tokens and keys have no spaces or line breaks", "%s contains white space or a control character", field)
		}
	}
	return nil
}

// parseWebhookURL checks an address without ever showing it.
func parseWebhookURL(field, raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	host := ""
	if err == nil {
		host = strings.ToLower(u.Hostname())
	}
	clays := host == "clay.com" || strings.HasSuffix(host, ".clay.com")
	switch {
	case err != nil || strings.ContainsAny(raw, " \t\r\n"):
		return nil, badConfig("copy it again from Clay, without spaces, quotes or line breaks", "%s is not a URL", field)
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, badConfig("it starts with https://", "%s has no http or https scheme", field)
	case host == "":
		return nil, badConfig("it looks like https://api.clay.com/…", "%s has no host", field)
	case u.User != nil:
		return nil, badConfig("use WebhookToken for the token", "%s contains a user name or password", field)
	case u.Scheme == "http" && clays:
		return nil, badConfig("use https://; Clay would redirect, and redirected rows are lost", "%s is not encrypted", field)
	case host == "app.clay.com":
		return nil, badConfig("that is the address of a page; copy the one of the webhook source, https://api.clay.com/v3/sources/webhook/…", "%s points to Clay's web application", field)
	}
	u.Fragment = ""
	return u, nil
}

func badConfig(hint, format string, args ...any) error {
	var cause error
	if len(args) == 0 {
		cause = errors.New(format)
	} else {
		cause = fmt.Errorf(format, args...)
	}
	return refused("config", KindConfig, hint, cause)
}
