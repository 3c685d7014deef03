package clay

import (
	"net/http"
	"net/url"
	"sync/atomic"
)

// userAgent names the sender to whoever reads Clay's or a proxy's logs.
const userAgent = "claygate-go (+https://github.com/claygate/claygate)"

// Client talks to one Clay workspace. It is safe for concurrent use; make one and
// keep it, because it holds the connections and the pace. Close it when done. A nil
// or zero Client is not configured: all it does is return an error of KindConfig.
type Client struct {
	cfg     Config
	webhook *url.URL // nil when the client has none
	base    *url.URL
	api     *url.URL // of the Public API
	rt      http.RoundTripper
	slots   chan struct{} // one per send in flight
	secrets secrets
	quota   atomic.Pointer[Quota] // the last one heard of
}

// New checks cfg and returns a client for it. It sends nothing. The error is an
// *Error of KindConfig whose hint says what to set.
func New(cfg Config) (*Client, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	c := &Client{cfg: cfg, rt: cfg.Transport, slots: make(chan struct{}, cfg.Concurrency)}
	var err error
	if c.base, err = parseURL("BaseURL", cfg.BaseURL); err != nil {
		return nil, err
	}
	if c.api, err = parseURL("PublicAPIURL", cfg.PublicAPIURL); err != nil {
		return nil, err
	}
	if cfg.WebhookURL != "" {
		if c.webhook, err = parseURL("WebhookURL", cfg.WebhookURL); err != nil {
			return nil, err
		}
	}
	if c.rt == nil {
		c.rt = cfg.newTransport(nil, nil)
	}
	c.secrets = newSecrets(c.webhook, cfg.WebhookToken, cfg.EnterpriseKey, cfg.PublicAPIKey)
	return c, nil
}

// Close closes idle connections. Requests in flight are not touched, and the
// client can still be used.
func (c *Client) Close() error {
	if c == nil {
		return nil
	}
	if t, ok := c.rt.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
	return nil
}

// String describes the client without its secrets.
func (c *Client) String() string { return "clay.Client(" + c.cfg.String() + ")" }

// GoString is String, for %#v.
func (c *Client) GoString() string { return c.String() }
