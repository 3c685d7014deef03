package clay

import (
	"net/http"
	"net/url"
)

// userAgent names the sender to whoever reads Clay's or a proxy's logs.
const userAgent = "claygate-go (+https://github.com/claygate/claygate)"

// Client talks to one Clay workspace. It is safe for concurrent use; make one and
// keep it, because it holds the connections. Close it when done.
type Client struct {
	cfg     Config
	webhook *url.URL
	rt      http.RoundTripper
	secrets secrets
}

// New checks cfg and returns a client for it. It sends nothing. The error is an
// *Error of KindConfig whose hint says what to set.
func New(cfg Config) (*Client, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	webhook, err := parseWebhookURL("WebhookURL", cfg.WebhookURL)
	if err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	c := &Client{cfg: cfg, webhook: webhook, rt: cfg.Transport}
	if c.rt == nil {
		c.rt = newTransport(cfg.Concurrency, nil, nil)
	}
	c.secrets = newSecrets(webhook, cfg.WebhookToken)
	return c, nil
}

// Close closes idle connections. Requests in flight are not touched, and the
// client can still be used.
func (c *Client) Close() error {
	if t, ok := c.rt.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
	return nil
}
