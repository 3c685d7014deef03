package cli

import (
	"os"
	"strings"
	"testing"

	"github.com/claygate/claygate/clay/claytest"
	"github.com/claygate/claygate/internal/ledger/postgres/pgtest"
)

// A ledger is copied by the command that the manual shows, and sends nothing from its file any more.
func TestLedgerCopy(t *testing.T) {
	w := newWorld(t, claytest.Options{})
	w.env["LEDGER_DSN"] = pgtest.Shared(t).Database(t)
	leads, file := w.path("leads.csv"), w.path("l.db")
	if err := os.WriteFile(leads, []byte("email\nada@example.com\nbo@example.com\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := w.run("send", leads, "--ledger", file); r.code != exitOK {
		t.Fatalf("exit %d: %s", r.code, r.err)
	}
	r := w.run("ledger", "copy", "sqlite:"+file, "env:LEDGER_DSN")
	if r.code != exitOK || !strings.Contains(r.out, "records        2\n") || strings.Contains(r.out+r.err, pgtest.Password) {
		t.Errorf("exit %d: %s%s", r.code, r.out, r.err)
	}
	if r := w.run("send", leads, "--ledger", file, "--job", "again"); r.code == exitOK || !strings.Contains(r.err, "copied to postgres://127.0.0.1") {
		t.Errorf("the file sends: exit %d: %s%s", r.code, r.out, r.err)
	}
}

func TestLedgerCopyMistakes(t *testing.T) {
	w := newWorld(t, claytest.Options{})
	w.env["LEDGER_DSN"], w.env["GONE"] = "mysql://u:geheim@h/d", "postgres://u:geheim@127.0.0.1:1/d?sslmode=disable"
	file := w.path("l.db")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"":                                   "takes a file and a database",
		file + " env:GONE":                   "written sqlite:FILE",
		"sqlite:" + file + "x env:GONE":      "there is no ledger",
		"sqlite:" + file + " env:NONE":       "is not set",
		"sqlite:" + file + " " + file:        "is copied into a database",
		"sqlite:" + file + " env:GONE":       "cannot be reached",
		"sqlite:" + file + " env:LEDGER_DSN": "is not a URL that begins with postgres://",
	} {
		r := w.run(append([]string{"ledger", "copy"}, strings.Fields(args)...)...)
		if r.code == exitOK || !strings.Contains(r.err, want) || strings.Contains(r.out+r.err, "geheim") {
			t.Errorf("%s: exit %d, %s%s, want %q", args, r.code, r.out, r.err, want)
		}
	}
}
