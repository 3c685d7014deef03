package clay_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/clay/claytest"
)

const (
	token  = "t0ken-5ecre7"
	key    = "clay_ent_5ecre7"
	apiKey = "public-api-5ecre7"
	secret = "callback-5ecre7-callback"
)

type row = map[string]any

// emulate starts Clay in memory, which works inside a synctest bubble, and a client for it.
func emulate(t *testing.T, opt claytest.Options, cfg clay.Config) (*claytest.Server, *clay.Client) {
	t.Helper()
	opt.InMemory = true
	opt.Token = token
	opt.PublicAPI.Key = apiKey
	if opt.Enterprise.Key == "" {
		opt.Enterprise.Key = key
	}
	s := claytest.New(t, opt)
	return s, client(t, s, cfg)
}

func client(t *testing.T, s *claytest.Server, cfg clay.Config) *clay.Client {
	t.Helper()
	cfg.WebhookURL, cfg.WebhookToken = s.WebhookURL("people"), token
	cfg.BaseURL, cfg.EnterpriseKey = s.URL(), key
	cfg.PublicAPIURL, cfg.PublicAPIKey = s.URL()+claytest.PublicAPIPath, apiKey
	c, err := clay.NewWithDial(cfg, s.DialContext)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// failed returns err as the *clay.Error it must be.
func failed(t *testing.T, err error, kind clay.Kind) *clay.Error {
	t.Helper()
	var e *clay.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an error of kind %s", err, kind)
	}
	if e.Kind != kind || !errors.Is(err, kind) {
		t.Fatalf("got kind %s, want %s: %v", e.Kind, kind, err)
	}
	return e
}

func requests(s *claytest.Server) int { return len(s.Requests()) }

// canned is a transport that answers every request with the same.
type canned struct {
	status int
	body   []byte
}

func (c canned) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: c.status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(c.body))}, nil
}
