package e2e_test

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"
	"time"
)

// canary is what every address stands in that the tests hand in: no log, error, metric or page may hold one (I6).
const canary = "@leads.example"

// secretsIn returns the secrets that a process is given in its environment: of webhooks and other URLs, which are secrets
// themselves, what stands behind the host.
func secretsIn(env []string) (secrets []string) {
	for _, variable := range env {
		name, value, _ := strings.Cut(variable, "=")
		if slices.Contains([]string{"HOME", "PATH", "FAULT", "FAULT_EARLY"}, name) {
			continue
		}
		if u, err := url.Parse(value); err == nil && u.Host != "" {
			password, _ := u.User.Password()
			secrets = append(secrets, password)
			value = path.Base(u.Path)
			if strings.HasPrefix(u.Scheme, "postgres") { // whose database is no secret
				value = ""
			}
		}
		secrets = append(secrets, value)
	}
	return slices.DeleteFunc(secrets, func(s string) bool { return len(s) < 8 }) // none: anything holds so little
}

// betrayed says which of the secrets, or whose address, stands in a text, and where; "" for none.
func betrayed(text string, secrets ...string) string {
	for _, secret := range append(slices.Clip(secrets), canary) { // callers share them
		if at := strings.Index(text, secret); at >= 0 {
			return secret + " stands in …" + text[max(at-200, 0):min(at+len(secret)+100, len(text))] + "…"
		}
	}
	return ""
}

// watch searches all that a process wrote to standard error, once it is gone.
func (c *child) watch(env []string) {
	c.t.Cleanup(func() {
		<-c.ended
		if found := betrayed(c.err.String(), secretsIn(env)...); found != "" {
			c.t.Errorf("I6: in what claygate said, %s", found)
		}
	})
}

// eavesdropper searches every problem that a gateway answers.
type eavesdropper struct {
	t       *testing.T
	to      http.RoundTripper
	secrets []string
}

// RoundTrip implements http.RoundTripper.
func (e eavesdropper) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := e.to.RoundTrip(r)
	if err != nil || res.Header.Get("Content-Type") != "application/problem+json" {
		return res, err
	}
	text, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if found := betrayed(string(text), e.secrets...); found != "" {
		e.t.Errorf("I6: in the answer to %s, %s", r.URL.Path, found)
	}
	res.Body = io.NopCloser(bytes.NewReader(text))
	return res, err
}

// listening returns a client for a gateway that was given an environment.
func listening(t *testing.T, env ...string) *http.Client {
	t.Helper()
	c := &http.Client{Timeout: 10 * time.Second, Transport: eavesdropper{t, &http.Transport{MaxIdleConnsPerHost: 16}, secretsIn(env)}}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// CloseIdleConnections lets [http.Client.CloseIdleConnections] reach what is beneath.
func (e eavesdropper) CloseIdleConnections() { e.to.(*http.Transport).CloseIdleConnections() }
