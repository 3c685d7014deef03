package config

import (
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// check finds what is wrong although each value is well formed, and fills in the defaults that depend on other keys.
// Values that were refused already are passed over, so that one mistake is one line.
func (d *decoder) check(c *Config) {
	d.checkListeners(c)
	d.checkURL("public_url", c.PublicURL, c)
	c.PublicURL = strings.TrimRight(c.PublicURL, "/")
	d.checkLedger(c)
	d.checkRetention(&c.Retention)
	d.checkWorkspaces(c)
	d.checkMoney(c)
	d.checkDestinations(c)
	d.checkAlerts(c)
	if c.PublicURL == "" && d.sound("public_url") && awaits(c) {
		d.warn("public_url", "is not set", "set it to the https URL under which Clay reaches "+c.CallbackListen+", or results cannot come back")
	}
}

// awaits reports whether any table calls back.
func awaits(c *Config) bool {
	for _, t := range c.Targets() {
		if t.Table.AwaitsResult {
			return true
		}
	}
	return false
}

func (d *decoder) checkListeners(c *Config) {
	host, port := d.checkAddress("listen", c.Listen)
	callbackHost, callbackPort := d.checkAddress("callback_listen", c.CallbackListen)
	if !d.sound("listen") || !d.sound("callback_listen") {
		return
	}
	if !loopback(host) {
		d.warn("listen", "serves other machines, unencrypted", "put a proxy with TLS in front, and make API keys")
	}
	if port == callbackPort && port != "0" && (host == callbackHost || anyHost(host) || anyHost(callbackHost)) {
		d.refuse("callback_listen", "is the same address as listen", "give it another port: this one is meant to be exposed, the other is not")
	}
}

func anyHost(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsUnspecified()
}

var hostForm = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9.-]{0,252}[a-zA-Z0-9])?$`)

// checkAddress checks host:port and returns the two, with 0.0.0.0 for no host.
func (d *decoder) checkAddress(path, address string) (host, port string) {
	if !d.sound(path) {
		return "", ""
	}
	host, port, err := net.SplitHostPort(address)
	number, notNumber := strconv.ParseUint(port, 10, 16)
	switch {
	case err != nil && strings.Contains(address, "://"):
		d.refuse(path, "is a URL where host:port is expected", "write it like 127.0.0.1:8787")
	case err != nil:
		d.refuse(path, shown(address)+" is not host:port", "write it like 127.0.0.1:8787")
	case notNumber != nil || strconv.FormatUint(number, 10) != port:
		d.refuse(path, "the port of "+shown(address)+" is not a number from 0 to 65535", "")
	case host != "" && net.ParseIP(host) == nil && !hostForm.MatchString(host):
		d.refuse(path, "the host of "+shown(address)+" is no address and no name", "")
	}
	if host == "" {
		host = "0.0.0.0"
	}
	return host, port
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || (ip != nil && ip.IsLoopback())
}

func (d *decoder) checkLedger(c *Config) {
	switch scheme, _, found := strings.Cut(c.Ledger, ":"); {
	case c.Ledger == "" || !d.sound("ledger"):
		return
	case found && slices.Contains([]string{"postgres", "postgresql", "env", "file"}, scheme):
		d.checkDatabase(c)
	case found && (scheme == "" || strings.Contains(c.Ledger, "://")):
		d.refuse("ledger", "is neither the path of a file nor a PostgreSQL database",
			"write it like /var/lib/claygate/ledger.db or postgres://user@host/database, or env:NAME where it holds a password")
	case strings.HasPrefix(c.Ledger, "~"):
		d.refuse("ledger", "~ is not expanded", "write the whole path")
	case d.places["ledger"].origin == "":
		c.Ledger = d.beside(c.Ledger)
	}
}

func (d *decoder) checkRetention(r *Retention) {
	d.checkPositive("retention.bodies", r.Bodies)
	d.checkPositive("retention.metadata", r.Metadata)
	d.checkPositive("retention.audit", r.Audit)
	switch {
	case !d.given("retention.metadata"):
		r.Metadata = max(r.Metadata, r.Bodies)
	case d.sound("retention") && r.Metadata < r.Bodies:
		d.refuse("retention.metadata", fmt.Sprintf("%s is shorter than retention.bodies, %s", spell(r.Metadata), spell(r.Bodies)),
			"a body cannot outlive its record: make it at least as long")
	}
}

// limits bound a number. The most is 0 for none.
type limits struct{ least, most int }

func (d *decoder) checkRange(path string, n int, l limits) {
	switch {
	case !d.sound(path):
	case n < l.least:
		d.refuse(path, fmt.Sprintf("%d is less than %d, the least it can be", n, l.least), "")
	case l.most > 0 && n > l.most:
		d.refuse(path, fmt.Sprintf("%d is more than %d, the most it can be", n, l.most), "")
	}
}

func (d *decoder) checkPositive(path string, span time.Duration) {
	if d.sound(path) && span <= 0 {
		d.refuse(path, "must be more than 0", "")
	}
}
