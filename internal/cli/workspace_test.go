package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/claygate/claygate/clay/claytest"
)

// Workspaces come and go with their files; one that is broken is named, and everything stays as it was.
func TestReloadWorkspaces(t *testing.T) {
	w := newWorld(t, claytest.Options{})
	folder, ledger := filepath.Join(w.dir, "workspaces.d"), filepath.Join(w.dir, "ledger.db")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	w.file("key", keyCanary)
	file := w.file("claygate.yaml", "callback_listen: 127.0.0.1:0\nlisten: 127.0.0.1:0\ndefaults: {base_url: "+w.clay.URL()+", public_api_key: file:key}\n"+
		"workspaces: {main: {tables: {people: {webhooks: [{url: env:CLAY_WEBHOOK_URL}]}}}}\n")
	server := w.start("serve", "--config", file, "--ledger", ledger)
	server.until(`"msg":"serving"`)
	acme := func(text string) {
		if err := os.WriteFile(filepath.Join(folder, "acme.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	reload := func(code int, says string) {
		t.Helper()
		if r := w.run("config", "reload", "--ledger", ledger); r.code != code || !strings.Contains(r.out+r.err, says) {
			t.Errorf("reload: exit %d, %s%s", r.code, r.out, r.err)
		}
	}
	acme("routines: {mail: {routine: \"function:t_1\"}}\n")
	reload(exitOK, "new: acme/mail")
	bound := []string{"keys", "create", "acme", "--scope", "read", "--workspace"}
	if r := w.run(append(bound, "acme", "--ledger", ledger)...); r.code != exitOK {
		t.Errorf("a key for it: exit %d, %s", r.code, r.err)
	}
	if r := w.run(append(bound, "amce", "--ledger", ledger)...); r.code != exitInvalid || !strings.Contains(r.err, "no workspace") {
		t.Errorf("a key for none: exit %d, %s", r.code, r.err)
	}
	acme("routines: {mail: {routine: \"function:t_1\", prioritee: 1}}\n")
	reload(exitInvalid, "acme.yaml:1: routines.mail: unknown key")
	if r := w.run("targets", "list", "--ledger", ledger); !strings.Contains(r.out, `"acme/mail"`) {
		t.Errorf("after a broken file there is %s", r.out)
	}
	if err := os.Remove(filepath.Join(folder, "acme.yaml")); err != nil {
		t.Fatal(err)
	}
	reload(exitOK, "removed (their records wait until they return): acme/mail")
	acme("routines: {mail: {routine: \"function:t_1\"}}\n")
	server.interrupt <- os.Interrupt
	w.check(server.wait())
	if r := w.run("targets", "list", "--config", file, "--ledger", ledger); r.code != exitOK || !strings.Contains(r.out, `"acme/mail"`) {
		t.Errorf("on a ledger that nobody has in use: exit %d, %s%s", r.code, r.out, r.err)
	}
}
