package clay

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// validate checks everything but the URLs, which parseURL does.
func (c Config) validate() error {
	switch {
	case c.WebhookURL == "" && c.PublicAPIKey == "" && c.EnterpriseKey == "":
		return badConfig("set WebhookURL to the address that Clay shows for the table's webhook source, or PublicAPIKey to run routines",
			"none of WebhookURL, PublicAPIKey and EnterpriseKey is set")
	case c.HTTPClient != nil && c.Transport != nil:
		return badConfig("put the Transport into the HTTPClient", "both HTTPClient and Transport are set")
	case c.Concurrency < 0:
		return badConfig("use 0 for the default of 16", "Concurrency is negative: %d", c.Concurrency)
	case c.Timeout < 0:
		return badConfig("use 0 for the default of 30 s", "Timeout is negative: %s", c.Timeout)
	case c.MaxElapsed < 0:
		return badConfig("use 0 for the default of 5 min", "MaxElapsed is negative: %s", c.MaxElapsed)
	}
	if err := checkSecret("WebhookToken", c.WebhookToken); err != nil {
		return err
	}
	if err := checkSecret("PublicAPIKey", c.PublicAPIKey); err != nil {
		return err
	}
	return checkSecret("EnterpriseKey", c.EnterpriseKey)
}

// checkSecret refuses what cannot be a header's value. Such a token is mostly one
// with a line break at its end, read from a file.
func checkSecret(field, value string) error {
	for _, c := range []byte(value) {
		if c <= ' ' || c >= 0x7f {
			return badConfig("copy it again; tokens and keys have no spaces, line breaks or special characters",
				"%s contains a character that no token has", field)
		}
	}
	return nil
}

// parseURL checks an address without ever showing it.
func parseURL(field, raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || strings.ContainsAny(raw, " \t\r\n") {
		return nil, badConfig("copy it again from Clay, without spaces, quotes or line breaks", "%s is not a URL", field)
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	path := strings.Trim(u.Path, "/")
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, badConfig("it starts with https://", "%s has no http or https scheme", field)
	case host == "":
		return nil, badConfig("it looks like https://api.clay.com/…", "%s has no host", field)
	case !isPort(u.Port()):
		return nil, badConfig("it is a number up to 65535, mostly left out", "%s has a port that does not exist", field)
	case u.User != nil:
		return nil, badConfig("use WebhookToken for the token", "%s contains a user name or password", field)
	case host == "app.clay.com":
		return nil, badConfig("that is the address of a page; copy the one of the webhook source, https://api.clay.com/v3/sources/webhook/…",
			"%s points to Clay's web application", field)
	case field == "WebhookURL" && host == "api.clay.com" && (path == "" || path == "v3/sources/webhook"):
		return nil, badConfig("copy all of it; it ends with the webhook's own name", "%s names no webhook", field)
	case u.Scheme == "http" && (host == "clay.com" || strings.HasSuffix(host, ".clay.com")):
		return nil, badConfig("use https://; Clay would redirect, and redirected rows are lost", "%s is not encrypted", field)
	}
	if u.Path == "" { // or what JoinPath makes of it is no request line
		u.Path = "/"
	}
	return u, nil
}

// isPort takes what url.Parse leaves, which is digits or nothing.
func isPort(port string) bool {
	n, err := strconv.Atoi(port)
	return port == "" || err == nil && n > 0 && n <= 65535
}

func badConfig(hint, format string, args ...any) error {
	var cause error
	if len(args) == 0 {
		cause = errors.New(format)
	} else {
		cause = fmt.Errorf(format, args...)
	}
	return refused("new client", KindConfig, hint, cause)
}
