package config

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
)

// checkDatabase reads how the ledger's database is reached, and leaves in its place what may be shown of it.
func (d *decoder) checkDatabase(c *Config) {
	dsn := NewSecret(c.Ledger, cmp.Or(d.places["ledger"].origin, "the configuration"))
	if !strings.HasPrefix(c.Ledger, "postgres") {
		dsn = d.secret("ledger", c.Ledger)
	}
	u, err := url.Parse(dsn.Reveal())
	if err != nil { // which is said below
		u = &url.URL{}
	}
	_, password := u.User.Password()
	switch {
	case !d.sound("ledger"):
		return
	case d.source.Emulate:
		d.refuse("ledger", "an emulated Clay has a ledger of its own, in a file", "leave it out, or name a file")
		return
	case password && dsn.reference == "the configuration":
		d.refuse("ledger", "holds a password and must not stand in this file (it is not shown here)", "write env:NAME")
		return
	}
	d.checkDSN("ledger", dsn, c)
	if d.sound("ledger") {
		c.Database, c.Ledger = dsn, u.Scheme+"://"+u.Host+u.EscapedPath()
	}
}

// checkDSN checks how a database is reached without showing any of it.
func (d *decoder) checkDSN(path string, s Secret, c *Config) {
	if s.Reveal() == "" || !d.sound(path) {
		return
	}
	if message, hint := badDSN(s.Reveal(), c.AllowInsecure); message != "" {
		d.refuse(path, "the DSN in "+s.reference+" "+message, hint)
	}
}

const dsnForm = "write it like postgres://user:password@host/database?sslmode=verify-full"

// badDSN says what is wrong with a DSN, "" for nothing. What it leaves out must not come from the environment, which is for
// other programs.
func badDSN(text string, insecure bool) (message, hint string) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return "is not a URL that begins with postgres://", dsnForm
	}
	if authority, _, _ := strings.Cut(strings.TrimPrefix(text, u.Scheme+"://"), "/"); strings.Count(authority, "@") > 1 {
		return "has an @ within its user or password", "write it as %40 there: what follows it would be taken, and shown, as the host"
	}
	query, hosts := u.Query(), u.Host
	if hosts == "" {
		hosts = query.Get("host")
	}
	switch {
	case hosts == "":
		return "has no host", dsnForm
	case u.User.Username() == "" && query.Get("user") == "":
		return "has no user", dsnForm
	case strings.Trim(u.Path, "/") == "" && query.Get("dbname") == "":
		return "has no database", dsnForm
	case slices.Contains([]string{"require", "verify-ca", "verify-full"}, query.Get("sslmode")) || insecure:
		return "", ""
	}
	for host := range strings.SplitSeq(hosts, ",") {
		if !strings.HasPrefix(host, "/") && !loopback((&url.URL{Host: host}).Hostname()) {
			return "may go unencrypted", "add ?sslmode=verify-full, or sslmode=require, or set allow_insecure: true on a private network"
		}
	}
	return "", ""
}
