package cli

import (
	"strings"
	"testing"

	"github.com/claygate/claygate/clay/claytest"
)

func TestCostMeasure(t *testing.T) {
	t.Parallel()
	w := newWorld(t, claytest.Options{Misses: -1})
	in := w.file("leads.csv", leads(5))
	for name, tt := range map[string]struct {
		args []string
		code int
		says string
	}{
		"a table costs nothing": {[]string{"--emulate"}, exitOK, "cost: {actions: 0, data_credits: 0}\n"},
		"a routine does":        {[]string{"--emulate", "--routine", "function:t_1"}, exitOK, "cost: {actions: 1, data_credits: 1}\n"},
		"no rows":               {[]string{"--emulate", "--sample", "0"}, exitInvalid, ""},
		"nobody to ask":         {nil, exitInvalid, ""},
	} {
		args := append([]string{"cost", "measure", in, "--sample", "2", "--ledger", w.path(strings.ReplaceAll(name, " ", "-") + ".db")}, tt.args...)
		if !strings.Contains(strings.Join(tt.args, " "), "--emulate") {
			args = append(args, "--callback-listen", w.callback, "--public-url", "https://hooks.example.com")
		}
		r := w.run(args...)
		if r.code != tt.code || !strings.HasSuffix(r.out, tt.says) || tt.says != "" && !strings.Contains(r.err, "for 2 rows") {
			t.Errorf("%s: exit %d\n%s%s", name, r.code, r.out, r.err)
		}
	}
	if n := w.clay.Stats().Rows; n > 0 {
		t.Errorf("%d rows were sent that nobody had agreed to", n)
	}
}
