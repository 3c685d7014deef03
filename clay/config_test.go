package clay

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// The zero value of each setting means what its comment says.
func TestZeroValuesMeanTheDocumentedDefaults(t *testing.T) {
	ignored := cmpopts.IgnoreTypes(&slog.Logger{})
	got := Config{}.withDefaults()
	want := Config{BaseURL: "https://api.clay.com", Retries: 3, MaxElapsed: 5 * time.Minute, Timeout: 30 * time.Second, Concurrency: 16}
	// Without the Public API's, which have tests of their own.
	core := func(c Config) Config {
		return Config{BaseURL: c.BaseURL, Retries: c.Retries, MaxElapsed: c.MaxElapsed, Timeout: c.Timeout, Concurrency: c.Concurrency}
	}
	if d := cmp.Diff(want, core(got)); d != "" {
		t.Error(d)
	}
	if p := got.Pacer; p.full != 10 || p.burst != 10 {
		t.Errorf("pace %v, burst %v", p.full, p.burst)
	}
	callback := CallbackConfig{Header: "X-Callback-Secret", Queue: 1000, Workers: 4, MaxBytes: 1 << 20, Timeout: 25 * time.Second}
	if d := cmp.Diff(callback, CallbackConfig{}.withDefaults(), ignored, cmpopts.IgnoreFields(CallbackConfig{}, "Authenticate", "Store", "After")); d != "" {
		t.Error(d)
	}
	set := Config{BaseURL: "https://x.test", Retries: -1, MaxElapsed: 1, Timeout: 1, Concurrency: 1, HTTPClient: &http.Client{Timeout: 9}}
	if d := cmp.Diff(core(set), core(set.withDefaults())); d != "" {
		t.Errorf("what is set is not kept: %s", d)
	}
}

// The failure it prevents: a program points BaseURL, or CLAY_API_URL, at an emulated Clay, and its runs cost at the real one.
func TestPublicAPIIsWhereBaseURLSays(t *testing.T) {
	for want, cfg := range map[string]Config{
		"https://api.clay.com/public/v0":  {},
		"http://127.0.0.1:8789/public/v0": {BaseURL: "http://127.0.0.1:8789/"},
		"https://x.test/p":                {BaseURL: "http://127.0.0.1:8789", PublicAPIURL: "https://x.test/p"},
	} {
		cfg.PublicAPIKey = "k"
		c, err := New(cfg)
		if err != nil || c.api.String() != want {
			t.Errorf("%s, %v, want %s", c.api, err, want)
		}
	}
	t.Cleanup(ForgetDefault)
	ForgetDefault()
	t.Setenv("CLAY_API_URL", "http://127.0.0.1:8789")
	t.Setenv("CLAY_API_KEY", "k")
	if c, err := Default(); err != nil || c.api.Host != "127.0.0.1:8789" || c.base.Host != "127.0.0.1:8789" {
		t.Errorf("%v, %v", c, err)
	}
}

// Of an HTTPClient the Transport and the Timeout are used, and nothing else.
func TestHTTPClientIsUsed(t *testing.T) {
	var redirected bool
	hc := &http.Client{
		Timeout:       time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { redirected = true; return nil },
		Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			if until, ok := r.Context().Deadline(); !ok || time.Until(until) < 40*time.Second {
				t.Errorf("the try's deadline: %v, %t", until, ok)
			}
			return &http.Response{StatusCode: 302, Header: http.Header{"Location": {"http://elsewhere.test/"}}, Body: http.NoBody}, nil
		}),
	}
	c, err := New(Config{WebhookURL: testURL, HTTPClient: hc})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.SendOnce(t.Context(), row{"a": 1}); failure(t, err).Kind != KindRedirect || redirected {
		t.Errorf("redirected %t: %v", redirected, err)
	}
	plain, err := New(Config{WebhookURL: testURL, HTTPClient: http.DefaultClient})
	if err != nil {
		t.Fatal(err)
	}
	if _, own := plain.rt.(*http.Transport); !own || plain.rt == http.DefaultTransport {
		t.Errorf("%T", plain.rt)
	}
}

// Default takes each setting from its variable; the more telling name of a key wins.
func TestDefaultReadsTheEnvironment(t *testing.T) {
	t.Cleanup(ForgetDefault)
	for name, tc := range map[string]struct {
		env  map[string]string
		want Config
	}{
		"all":       {map[string]string{"CLAY_WEBHOOK_URL": testURL + "\n", "CLAY_WEBHOOK_TOKEN": " t \n", "CLAY_PUBLIC_API_KEY": "p", "CLAY_ENTERPRISE_API_KEY": "e", "CLAY_API_KEY": "a"}, Config{WebhookURL: testURL, WebhookToken: "t", PublicAPIKey: "p", EnterpriseKey: "e"}},
		"other key": {map[string]string{"CLAY_WEBHOOK_URL": testURL, "CLAY_API_KEY": "a"}, Config{WebhookURL: testURL, PublicAPIKey: "a", EnterpriseKey: "a"}},
		"a key":     {map[string]string{"CLAY_ENTERPRISE_API_KEY": "e"}, Config{EnterpriseKey: "e"}},
	} {
		for _, v := range []string{"CLAY_WEBHOOK_URL", "CLAY_WEBHOOK_TOKEN", "CLAY_PUBLIC_API_KEY", "CLAY_ENTERPRISE_API_KEY", "CLAY_API_KEY"} {
			t.Setenv(v, tc.env[v])
		}
		ForgetDefault()
		c, err := Default()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := (Config{WebhookURL: c.cfg.WebhookURL, WebhookToken: c.cfg.WebhookToken, PublicAPIKey: c.cfg.PublicAPIKey, EnterpriseKey: c.cfg.EnterpriseKey}); !cmp.Equal(tc.want, got) {
			t.Errorf("%s: %s", name, cmp.Diff(tc.want, got))
		}
		if tc.want.WebhookURL == "" { // a key alone makes lookups possible, and sends say what is missing
			_, err := c.Send(t.Context(), row{"a": 1})
			if e := failure(t, err); e.Kind != KindConfig || !strings.Contains(e.Hint, "CLAY_WEBHOOK_URL") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	for name, value := range map[string]string{"CLAY_WEBHOOK_URL": "nonsense-5ecre7", "CLAY_PUBLIC_API_KEY": "two words-5ecre7"} {
		t.Setenv(name, value)
		ForgetDefault()
		_, err := Default()
		if e := failure(t, err); e.Kind != KindConfig || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "5ecre7") {
			t.Errorf("%s: %v", name, err)
		}
		t.Setenv(name, "")
	}
}

// A nil or zero Client says what is missing, and so does a Table of it.
func TestClientsThatNobodyMade(t *testing.T) {
	for _, c := range []*Client{nil, {}} {
		_, send := c.Send(t.Context(), row{"a": 1})
		_, once := c.SendOnce(t.Context(), row{"a": 1})
		_, batch := c.SendBatch(t.Context(), nil, BatchOptions{})
		_, person := c.EnrichPerson(t.Context(), "ada@example.com")
		_, company := c.EnrichCompany(t.Context(), "example.com")
		_, table := NewTable[row, row](c).Send(t.Context(), row{"a": 1})
		_, me := c.Me(t.Context())
		_, credits := c.Credits(t.Context())
		for _, err := range []error{send, once, batch, person, company, table, me, credits} {
			if e := failure(t, err); e.Kind != KindConfig || e.Hint == "" {
				t.Error(err)
			}
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}
