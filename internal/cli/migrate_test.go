package cli

import (
	"strings"
	"testing"

	"github.com/claygate/claygate/clay/claytest"
	"github.com/claygate/claygate/internal/ledger/postgres/pgtest"
)

// A database is migrated when somebody has seen the plan and says so; no command shows its password.
func TestMigrate(t *testing.T) {
	w := newWorld(t, claytest.Options{})
	w.env["LEDGER_DSN"] = pgtest.Shared(t).Database(t)
	for _, step := range []struct{ args, want string }{
		{"migrate --ledger env:LEDGER_DSN", "--yes runs them"},
		{"migrate --ledger env:LEDGER_DSN", "0001_ledger.sql"},
		{"migrate --ledger env:LEDGER_DSN --yes", "Done."},
		{"migrate --ledger env:LEDGER_DSN", "nothing to do"},
		{"migrate --ledger " + w.path("l.db"), "is brought up to date when it is opened"},
	} {
		r := w.run(strings.Fields(step.args)...)
		if r.code != exitOK || !strings.Contains(r.out, step.want) {
			t.Errorf("%s: exit %d, %s%s, want %q", step.args, r.code, r.out, r.err, step.want)
		}
		if strings.Contains(r.out+r.err, pgtest.Password) {
			t.Errorf("%s shows the database's password: %s%s", step.args, r.out, r.err)
		}
	}
}

// What is wrong with the address of a database is said without showing it.
func TestMigrateWhatIsNone(t *testing.T) {
	w := newWorld(t, claytest.Options{})
	w.env["LEDGER_DSN"], w.env["GONE"] = "mysql://u:geheim@h/d", "postgres://u:geheim@127.0.0.1:1/d?sslmode=disable"
	for ledger, want := range map[string]string{
		"env:LEDGER_DSN":              "is not a URL that begins with postgres://",
		"env:NOWHERE":                 "is not set",
		"file:/nonexistent":           "cannot be read",
		"env:GONE":                    "the database cannot be reached",
		"postgres://u:geheim@h:x/db":  "is not a URL",
		"postgres://u:geheim@far/db1": "may go unencrypted",
	} {
		r := w.run("migrate", "--ledger", ledger)
		if r.code == exitOK || !strings.Contains(r.err, want) || strings.Contains(r.out+r.err, "geheim") {
			t.Errorf("%s: exit %d, %s%s, want %q", ledger, r.code, r.out, r.err, want)
		}
	}
}
