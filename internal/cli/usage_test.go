package cli

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/clay/claytest"
)

// moneyConfig is a configuration with a budget of three records a day, and what a record costs.
const moneyConfig = `
workspaces:
  main:
    budget: {records: {per_day: 3}}
    tables:
      default:
        webhooks: [{url: env:CLAY_WEBHOOK_URL, token: env:CLAY_WEBHOOK_TOKEN}]
        dedupe_by: email
        cost: {actions: 1, data_credits: 2.5}
        refuse_personal: email
        confirm_above: {data_credits: 7.5}
allow_insecure: true
`

// A load whose budget is spent ends, says until when, and goes on when it is run again; what was spent is told by command.
func TestMoney(t *testing.T) {
	t.Parallel()
	w := newWorld(t, claytest.Options{Misses: -1})
	s := w.serve("--config", w.file("claygate.yaml", moneyConfig))
	in := w.file("leads.csv", leads(5)+"Ada,ada@gmail.com\n")
	enrich := func(flags ...string) result {
		return w.run(append([]string{"enrich", in, "-o", w.path("out.csv"), "--ledger", s.ledger}, flags...)...)
	}
	dry := enrich("--dry-run")
	if !strings.Contains(dry.err, "5 would be sent") || !strings.Contains(dry.err, "about 5 records, 5 actions, 12.5 data credits") {
		t.Errorf("the dry run says\n%s", dry.err)
	}
	for _, above := range []string{"4", "records=4", "data_credits=12,records=100", "actions=4.5"} {
		if r := enrich("--confirm-above", above); r.code != exitInvalid || !strings.Contains(r.err, "--yes") || w.clay.Stats().Rows > 0 {
			t.Errorf("above %s: exit %d, %d rows at Clay\n%s", above, r.code, w.clay.Stats().Rows, r.err)
		}
	}
	for _, bad := range []string{"many", "rows=5", "records=-1", "records=NaN"} {
		if r := enrich("--confirm-above", bad); r.code != exitInvalid || !strings.Contains(r.err, "--confirm-above") {
			t.Errorf("above %s: exit %d\n%s", bad, r.code, r.err)
		}
	}
	if r := enrich(); r.code != exitInvalid || !strings.Contains(r.err, "confirm_above of default: 12.5 data credits is more than 7.5") {
		t.Errorf("above what the configuration says: exit %d\n%s", r.code, r.err)
	}
	first := enrich("--confirm-above", "4", "--yes")
	if first.code != exitRateLimited || !strings.Contains(first.err, "the budget of the workspace main is spent") || !strings.Contains(first.err, "gmail.com") ||
		!strings.Contains(first.err, "paid: 3 rows sent to Clay, about 3 actions, 7.5 data credits") {
		t.Errorf("exit %d\n%s", first.code, first.err)
	}
	statuses := map[string]int{}
	for _, status := range w.statuses("out.csv") {
		statuses[status]++
	}
	if diff := cmp.Diff(map[string]int{"ok": 3, "pending": 2, "skipped": 1}, statuses); diff != "" || w.clay.Stats().Rows != 3 {
		t.Errorf("%d rows at Clay, (-want +got)\n%s", w.clay.Stats().Rows, diff)
	}
	want := "target,key,records,actions,data_credits,saved_records,saved_actions,saved_data_credits,maybe_double\ndefault,,3,3,7.5,0,0,0,0\n"
	if r := w.run("usage", "--by", "target,key", "-o", "csv", "--ledger", s.ledger); r.out != want {
		t.Errorf("the usage is\n%s%s", r.out, r.err)
	}
	if r := w.run("usage", "-o", "xml", "--ledger", s.ledger); r.code != exitInvalid {
		t.Errorf("-o xml: exit %d\n%s", r.code, r.err)
	}
	if r := w.run("usage", "--by", "colour", "--ledger", s.ledger); r.code != exitInvalid {
		t.Errorf("--by colour: exit %d\n%s", r.code, r.err)
	}
	s.stop()
}

// A forgotten name stopped everything: one must be given, or --all.
func TestStopWantsAName(t *testing.T) {
	t.Parallel()
	w := newWorld(t, claytest.Options{Misses: -1})
	s := w.serve()
	for _, args := range [][]string{{"stop"}, {"start"}, {"stop", "main", "--all"}, {"stop", "a", "b"}, {"stop", ""}} {
		if r := w.run(append(args, "--ledger", s.ledger)...); r.code != exitInvalid || !strings.Contains(r.err, "--all") {
			t.Errorf("%q: exit %d\n%s", args, r.code, r.err)
		}
	}
	if r := w.run("stop", "main", "--ledger", s.ledger); r.code != exitOK || !strings.Contains(r.out, "claygate start main") {
		t.Errorf("exit %d\n%s%s", r.code, r.out, r.err)
	}
	in := w.file("leads.csv", leads(1))
	if r := w.run("enrich", in, "-o", w.path("out.csv"), "--ledger", s.ledger); r.code != exitOther || !strings.Contains(r.err, "`claygate start --all` lets it go on") {
		t.Errorf("while it is stopped: exit %d\n%s", r.code, r.err)
	}
	if r := w.run("start", "--all", "--ledger", s.ledger); r.code != exitOK || !strings.Contains(r.err, "stopped: main") {
		t.Errorf("exit %d\n%s%s", r.code, r.out, r.err)
	}
	if r := w.run("start", "main", "--ledger", s.ledger); r.code != exitOK || strings.Contains(r.err, "stopped: main") {
		t.Errorf("exit %d\n%s%s", r.code, r.out, r.err)
	}
	if r := w.run("enrich", in, "-o", w.path("out.csv"), "--ledger", s.ledger); r.code != exitOK {
		t.Errorf("after the start: exit %d\n%s", r.code, r.err)
	}
	s.stop()
}
