// Package client speaks to a running claygate gateway: one call in, the enriched row out.
//
//	c, err := client.New(client.Config{BaseURL: "https://gateway.example", Key: os.Getenv("CLAYGATE_KEY")})
//	record, err := c.Enrich(ctx, "people", map[string]any{"email": "ada@example.com"}, client.Options{})
//
// It needs the standard library only. Its methods are safe for concurrent use; all of them return an [*Error] when the
// gateway refuses.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// DefaultBaseURL is where `claygate serve` listens by default.
const DefaultBaseURL = "http://localhost:8787"

// Config says which gateway to speak to. The zero value is the one on this machine.
type Config struct {
	// BaseURL of the gateway, such as "https://gateway.example", or "unix:/path/to/ledger.sock" for the socket beside a
	// ledger. Default: [DefaultBaseURL].
	BaseURL string
	// Key is the API key, "cg_…". A gateway without keys needs none from its own machine.
	Key string
	// HTTPClient sends the requests. Its Timeout, if any, bounds waits and event streams too. Default: a client of its own
	// that follows no redirects. With a unix socket it must be nil.
	HTTPClient *http.Client
	// Patience is how long a request that does no harm when it comes twice is sent again while the gateway cannot be reached
	// or is busy. Default: until its context ends. Negative: not at all.
	Patience time.Duration
}

// Client speaks to one gateway.
type Client struct {
	base *url.URL
	key  string
	http *http.Client

	patience time.Duration
}

// New returns a client. It sends nothing yet.
func New(c Config) (*Client, error) {
	if c.BaseURL == "" {
		c.BaseURL = DefaultBaseURL
	}
	client := &Client{key: c.Key, http: c.HTTPClient, patience: c.Patience}
	if path, ok := strings.CutPrefix(c.BaseURL, "unix:"); ok {
		if path == "" || c.HTTPClient != nil {
			return nil, fmt.Errorf("client: %s: a unix socket takes a path, and an HTTP client of ours", c.BaseURL)
		}
		client.base, client.http = &url.URL{Scheme: "http", Host: "localhost"}, overSocket(path)
		return client, nil
	}
	base, err := url.Parse(strings.TrimSuffix(c.BaseURL, "/"))
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("client: %q is not the URL of a gateway, such as %s", c.BaseURL, DefaultBaseURL)
	}
	client.base = base
	if client.http == nil {
		client.http = overNetwork()
	}
	return client, nil
}

// Close ends idle connections. The client can be used again.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// request is one request to the gateway.
type request struct {
	method, path string // the path is escaped, and relative to the base
	query        url.Values
	header       http.Header
	body         []byte
	stream       io.Reader     // in place of body, for one that is long
	kind         string        // the body's content type; "" for JSON
	patience     time.Duration // how long the gateway may take beyond the usual
	repeat       bool          // it does no harm to send it again
}

// usual is how long the gateway may take to answer a request that does not wait for anything.
const usual = 60 * time.Second

// maxAnswer bounds what is read of an answer.
const maxAnswer = 256 << 20

// call sends a request and reads its answer into out, which may be nil. A request that can be repeated is, until the
// context ends, as long as the gateway cannot be reached or says that it is busy.
func (c *Client) call(ctx context.Context, r request, out any) error {
	began := time.Now()
	for try := 0; ; try++ {
		text, err := c.once(ctx, r)
		if err == nil {
			if out == nil {
				return nil
			}
			if err := json.Unmarshal(text, out); err != nil {
				return fmt.Errorf("client: the answer of %s is not the JSON expected: %w", c.base.Host, err)
			}
			return nil
		}
		if !r.repeat || !Passing(err) {
			return err
		}
		wait := delay(err, try)
		if c.patience != 0 && time.Since(began)+wait > c.patience || rest(ctx, wait) != nil {
			return err
		}
	}
}

// once sends a request once.
func (c *Client) once(ctx context.Context, r request) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, r.patience+usual)
	defer cancel()
	res, err := c.send(ctx, r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, &Unreachable{"the gateway's answer broke off", err}
	}
	return text, nil
}

// send sends a request and returns a 2xx response. Its body is to be closed.
func (c *Client) send(ctx context.Context, r request) (*http.Response, error) {
	u := *c.base
	u.RawPath = strings.TrimSuffix(u.EscapedPath(), "/") + r.path
	u.Path, _ = url.PathUnescape(u.RawPath) // it was escaped here
	u.RawQuery = r.query.Encode()
	body := r.stream
	if body == nil {
		body = bytes.NewReader(r.body)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, u.String(), body)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	for name, values := range r.header {
		req.Header[name] = values
	}
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	if r.body != nil || r.stream != nil {
		kind := r.kind
		if kind == "" {
			kind = "application/json"
		}
		req.Header.Set("Content-Type", kind)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, &Unreachable{"the gateway does not answer", err}
	}
	if res.StatusCode >= 200 && res.StatusCode < 300 {
		return res, nil
	}
	defer res.Body.Close()
	return nil, readError(res)
}

// encode returns a value as JSON, for a request's body.
func encode(value any) ([]byte, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("client: it cannot be sent as JSON: %w", err)
	}
	return text, nil
}
