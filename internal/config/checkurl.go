package config

import (
	"net/url"
	"strings"
)

// checkURL checks a URL that is no secret, though it is not shown either: people put passwords into URLs.
func (d *decoder) checkURL(path, text string, c *Config) {
	if text == "" || !d.sound(path) {
		return
	}
	message, hint := badURL(text, c.AllowInsecure)
	u, err := url.Parse(text)
	switch {
	case message != "":
		d.refuse(path, message, hint)
	case err == nil && (u.RawQuery != "" || u.ForceQuery || u.Fragment != ""):
		d.refuse(path, "has a query or a fragment", "leave out what follows ? or #")
	}
}

const copyURL = "copy the URL of the table's webhook source, https://api.clay.com/v3/sources/webhook/…"

// checkWebhookURL checks a webhook's URL without showing any of it.
func (d *decoder) checkWebhookURL(path string, s Secret, c *Config) {
	if s.Reveal() == "" || !d.sound(path) {
		return
	}
	message, hint := badURL(s.Reveal(), c.AllowInsecure)
	u, err := url.Parse(s.Reveal())
	switch {
	case message != "":
	case err == nil && strings.EqualFold(u.Hostname(), "app.clay.com"):
		message, hint = "is the address of a page in Clay", copyURL
	case err == nil && strings.Trim(u.Path, "/") == "":
		message, hint = "has no path", copyURL
	case err == nil && clays(u.Hostname()) && callsAPI(u.Path):
		message, hint = "is a call of Clay's API, which takes no rows", copyURL
	case err == nil && clays(u.Hostname()) && !strings.HasPrefix(u.Path, "/v3/sources/webhook/"): // that of a workflow may differ
		d.warn(path, "the URL in "+s.reference+" does not look like that of a webhook source", copyURL)
	}
	if message != "" {
		d.refuse(path, "the URL in "+s.reference+" "+message, hint)
	}
}

// callsAPI reports whether a path is one of Clay's APIs.
func callsAPI(path string) bool {
	for _, api := range []string{"/v1/", "/public/", "/v3/people/", "/v3/companies/", "/v3/workspaces/", "/v3/mcp"} {
		if strings.HasPrefix(path, api) {
			return true
		}
	}
	return false
}

// badURL says what is wrong with a URL, "" for nothing.
func badURL(text string, insecure bool) (message, hint string) {
	u, err := url.Parse(text)
	switch {
	case err != nil || strings.ContainsAny(text, " \t\r\n") || u.Opaque != "":
		return "is not a URL", "write it like https://host/path, without spaces or quotes"
	case u.Scheme != "https" && u.Scheme != "http":
		return "does not begin with https://", ""
	case u.Hostname() == "":
		return "has no host", "write it like https://host/path"
	case u.User != nil:
		return "holds a user name or password", "leave them out"
	case u.Scheme == "http" && clays(u.Hostname()):
		return "is not encrypted", "write https://; Clay would redirect, and redirected rows are lost"
	case u.Scheme == "http" && !insecure && !loopback(u.Hostname()):
		return "is not encrypted", "write https://, or set allow_insecure: true on a private network"
	}
	return "", ""
}

func clays(host string) bool {
	host = strings.ToLower(host)
	return host == "clay.com" || strings.HasSuffix(host, ".clay.com")
}

// origin returns scheme and host of a URL that was checked.
func origin(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return ""
	}
	return strings.ToLower(u.Scheme + "://" + u.Host)
}
