package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/claygate/claygate/clay/claytest"
	"github.com/claygate/claygate/client"
)

// last returns the last JSON line of an output.
func last[T any](t *testing.T, r result) T {
	t.Helper()
	var v T
	lines := strings.Split(strings.TrimSpace(r.out), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &v); err != nil {
		t.Fatalf("%q is no JSON: %v", r.out, err)
	}
	return v
}

// operating is what works alike on a ledger that a server has in use and on one that nobody has.
func operating(t *testing.T, w *world, ledger string) {
	t.Helper()
	on := func(args ...string) result {
		t.Helper()
		r := w.run(append(args, "--ledger", ledger)...)
		w.check(r)
		return r
	}
	record := last[client.Record](t, on("records", "list"))
	if record.State != client.Done {
		t.Fatalf("the record is %s, want done", record.State)
	}
	if r := on("records", "show", record.ID); r.code != exitOK || !strings.Contains(r.out, `"verdict": "accepted"`) {
		t.Errorf("records show: exit %d, %s", r.code, r.out)
	}
	if r := on("records", "list", "--state", "dead"); r.code != exitOK || r.out != "" {
		t.Errorf("records list of none: exit %d, %q", r.code, r.out)
	}
	if r := on("records", "replay", record.ID); r.code != exitInvalid || !strings.Contains(r.err, "is done") {
		t.Errorf("replay of what is done: exit %d, %s", r.code, r.err)
	}
	if r := on("records", "show", "rec_00000000000000000000000001"); r.code != exitNotFound {
		t.Errorf("show of nothing: exit %d, %s", r.code, r.err)
	}
	exporting(t, w, ledger, record.ID)
	on("stop", "--all", "--reason", "the budget is spent")
	if r := on("targets", "list"); !strings.Contains(r.err, "the budget is spent") {
		t.Errorf("a stop does not show: %s", r.err)
	}
	on("start", "--all")
	if r := on("targets", "list"); strings.Contains(r.err, "stopped") {
		t.Errorf("a start does not show: %s", r.err)
	}
	on("targets", "pause", "default", "--reason", "being rebuilt")
	if target := last[client.Target](t, on("targets", "list")); target.Paused == nil || target.Paused.Reason != "being rebuilt" {
		t.Errorf("a pause does not show: %+v", target)
	}
	on("targets", "resume", "default")
	if r := on("destinations", "list"); r.code != exitOK || r.out != "" {
		t.Errorf("destinations list of none: exit %d, %q", r.code, r.out)
	}
	if r := on("records", "redeliver", record.ID); r.code != exitNotFound || !strings.Contains(r.err, "no such destination") {
		t.Errorf("redeliver to no destination: exit %d, %s", r.code, r.err)
	}
	if r := on("records", "redeliver", "--undelivered"); r.code != exitInvalid || !strings.Contains(r.err, "--to") {
		t.Errorf("redeliver to whom: exit %d, %s", r.code, r.err)
	}
	if r := on("records", "redeliver", "--undelivered", "--to", "crm"); r.code != exitOK || !strings.Contains(r.out, `"deliveries":0`) {
		t.Errorf("redeliver of none: exit %d, %q", r.code, r.out)
	}
	if r := on("destinations", "enable", "nowhere"); r.code != exitNotFound {
		t.Errorf("enable of nothing: exit %d, %s", r.code, r.err)
	}
	key := last[client.APIKey](t, on("keys", "create", "crm", "--scope", "send", "--json"))
	if on("keys", "revoke", key.ID); key.Key == "" {
		t.Errorf("the key %+v was not shown", key)
	}
	if listed := last[client.APIKey](t, on("keys", "list")); listed.Key != "" || listed.RevokedAt.IsZero() {
		t.Errorf("the list shows %+v, want it revoked and the key itself hidden", listed)
	}
	erasing(t, w, ledger, record.ID)
	on("keys", "rotate-tickets")
	if r := on("audit", "--json"); !strings.Contains(r.out, `"what":"target.paused","on":"default"`) || !strings.Contains(r.out, `"what":"erased"`) || !strings.Contains(r.out, "tickets.rotated") ||
		strings.Contains(r.out, "lovelace") {
		t.Errorf("the audit says %s", r.out)
	}
	if r := on("audit", "--limit", "1"); strings.Count(r.out, "\n") != 1 {
		t.Errorf("the last deed is %s", r.out)
	}
}

// erasing erases a person who has one record.
func erasing(t *testing.T, w *world, ledger, record string) {
	t.Helper()
	for name, args := range map[string][]string{
		"nothing": nil, "a target": {"-t", "default"}, "two ways": {"-t", "default", "--all", record}, "no pair": {"-t", "default", "--field", "email"},
	} {
		if r := w.run(append([]string{"records", "erase", "--ledger", ledger}, args...)...); r.code != exitInvalid {
			t.Errorf("erase %s: exit %d, %s", name, r.code, r.err)
		}
	}
	erased := last[client.Erased](t, w.run("records", "erase", "-t", "default", "--field", "email=ada.lovelace@acme.example", "--ledger", ledger))
	if erased.Records != 1 || erased.AtClay != 1 || len(erased.StillHeld) == 0 {
		t.Errorf("erased %+v, want the record, which is at Clay", erased)
	}
	if r := w.run("records", "show", record, "--ledger", ledger); r.code != exitOK || strings.Contains(strings.ToLower(r.out), "lovelace") {
		t.Errorf("an erased record shows: exit %d, %s", r.code, r.out)
	}
	if again := last[client.Erased](t, w.run("records", "erase", record, "--ledger", ledger)); again.Records != 0 {
		t.Errorf("erased twice: %+v", again)
	}
}

func TestOperateWhatAServerHasInUse(t *testing.T) {
	w := newWorld(t, claytest.Options{Misses: -1, Column: claytest.Column{
		Delay: claytest.Delay{Min: 300 * time.Millisecond, Max: 300 * time.Millisecond}, // so that the send's own answer is in before the result
	}})
	listen, ledger := freeAddress(t), w.path("l.db")
	server := w.start("serve", "--listen", listen, "--callback-listen", w.callback, "--ledger", ledger)
	server.until(`"msg":"serving"`)
	c, err := client.New(client.Config{BaseURL: "http://" + listen})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	record, err := c.Enrich(t.Context(), "default", map[string]any{"email": "ada.lovelace@acme.example"}, client.Options{})
	if err != nil || !strings.Contains(string(record.Result), "Ada Lovelace") {
		t.Fatalf("enriched to %s, %v", record.Result, err)
	}
	operating(t, w, ledger)
	server.interrupt <- os.Interrupt
	if r := server.wait(); r.code != exitOK {
		t.Errorf("serve ended with %d: %s", r.code, r.err)
	}
	if r := w.run("tail", "--ledger", ledger); r.code != exitInvalid {
		t.Errorf("tail of a ledger that nobody has in use: exit %d, %s", r.code, r.err)
	}
}

func TestOperateALedgerThatNobodyHasInUse(t *testing.T) {
	w := newWorld(t, claytest.Options{Misses: -1})
	ledger := w.path("l.db")
	input := w.file("leads.csv", "email\nada.lovelace@acme.example\n")
	if r := w.enrich(input, "--ledger", ledger); r.code != exitOK {
		t.Fatalf("exit %d: %s", r.code, r.err)
	}
	operating(t, w, ledger)
	if r := w.run("records", "list", "--ledger", w.path("no.db")); r.code != exitInvalid || !strings.Contains(r.err, "there is no ledger") {
		t.Errorf("a ledger that is not there: exit %d, %s", r.code, r.err)
	}
}

// A running gateway reads its configuration again when it is asked to, over the socket or by a signal. With mistakes the
// one from before goes on, and all of them are said.
func TestReload(t *testing.T) {
	w := newWorld(t, claytest.Options{})
	ledger := filepath.Join(w.dir, "ledger.db")
	const head = "callback_listen: 127.0.0.1:0\nlisten: 127.0.0.1:0\nworkspaces:\n  main:\n    tables:\n      people: {webhooks: [{url: env:CLAY_WEBHOOK_URL}]}\n"
	file := w.file("claygate.yaml", head)
	server := w.start("serve", "--config", file, "--ledger", ledger)
	server.until(`"msg":"serving"`)
	w.file("claygate.yaml", head+"      people2: {webhooks: [{url: env:CLAY_WEBHOOK_URL}], max_age: 1d}\n")
	if r := w.run("config", "reload", "--ledger", ledger); r.code != exitOK || !strings.Contains(r.out, "2 targets") || !strings.Contains(r.out, "new: people2") {
		t.Errorf("reload: exit %d, %s%s", r.code, r.out, r.err)
	}
	w.file("claygate.yaml", head+"      people3: {webhooks: [{url: env:NONE}], max_age: 1}\n")
	r := w.run("config", "reload", "--ledger", ledger)
	if r.code == exitOK || !strings.Contains(r.err, "claygate.yaml:7") || !strings.Contains(r.err, "NONE is not set") || !strings.Contains(r.err, "has no unit") {
		t.Errorf("reload with mistakes: exit %d, %s%s", r.code, r.out, r.err)
	}
	server.reload <- os.Interrupt
	server.until("NONE is not set")
	w.file("claygate.yaml", head)
	server.reload <- os.Interrupt
	server.until(`"removed":["people2"]`)
	server.interrupt <- os.Interrupt
	w.check(server.wait())
}
