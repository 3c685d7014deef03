package cli

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/clay/claytest"
	"github.com/claygate/claygate/internal/ledger"
)

func TestSpan(t *testing.T) {
	day := 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"30d": 30 * day, "1.5d": 36 * time.Hour, "90s": 90 * time.Second, "12h": 12 * time.Hour, "0": 0, "0d": 0, "1h30m": 90 * time.Minute,
	} {
		var s span
		if err := s.Set(text); err != nil || s.Duration != want || !s.set {
			t.Errorf("Set(%q): %s, %v", text, s.Duration, err)
		}
	}
	for _, text := range []string{"", "d", "30", "xd", "-1d", "-1s", "NaNd", "1e9d", "a month", "infd"} {
		var s span
		if err := s.Set(text); err == nil || s.set {
			t.Errorf("Set(%q) took it for %s", text, s.Duration)
		}
	}
}

func TestSpell(t *testing.T) {
	for d, want := range map[time.Duration]string{
		30 * 24 * time.Hour: "30 days", 24 * time.Hour: "24 hours", time.Hour: "1 hour", 30 * time.Minute: "30 minutes", time.Minute: "1 minute",
		90 * time.Second: "90 seconds", 10 * time.Second: "10 seconds", time.Second: "1 second", 300 * time.Millisecond: "300ms", 90 * time.Minute: "90 minutes",
	} {
		if got := spell(d); got != want {
			t.Errorf("spell(%s) = %q, want %q", d, got, want)
		}
	}
}

func TestChooseDedupe(t *testing.T) {
	tests := map[string]struct {
		asked   string
		columns []string
		want    []string
	}{
		"an e-mail":              {"", []string{"Name", "E-Mail", "Domain"}, []string{"E-Mail"}},
		"a LinkedIn URL":         {"", []string{"name", "LinkedIn URL", "domain"}, []string{"LinkedIn URL"}},
		"a domain":               {"", []string{"name", "domain"}, []string{"domain"}},
		"the most telling first": {"", []string{"domain", "linkedin_url", "email"}, []string{"email"}},
		"nothing telling":        {"", []string{"name", "company email"}, nil},
		"none":                   {"none", []string{"email"}, nil},
		"asked for":              {"name, domain", []string{"email", "name", "domain"}, []string{"name", "domain"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := chooseDedupe(tt.asked, tt.columns)
			if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
	if _, err := chooseDedupe("Email", []string{"email"}); err == nil || !strings.Contains(err.Error(), `"Email"`) {
		t.Errorf("a column that is not there: %v", err)
	}
}

func TestRowFromArgs(t *testing.T) {
	for name, tt := range map[string]struct {
		args []string
		row  string
		ok   bool
	}{
		"fields":             {[]string{"email=a@b.c", "note=x=y", "empty="}, `{"email":"a@b.c","empty":"","note":"x=y"}`, true},
		"a file":             {[]string{"leads.csv"}, "", false},
		"a path with a sign": {[]string{"dir/a=b.csv"}, "", false},
		"no name":            {[]string{"=x"}, "", false},
		"one that is none":   {[]string{"email=a", "leads.csv"}, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			if row, ok := rowFromArgs(tt.args); ok != tt.ok || ok && row != tt.row {
				t.Errorf("%s, %t", row, ok)
			}
		})
	}
}

// A file whose name has an = is a file.
func TestFileWithEqualsSign(t *testing.T) {
	w := newWorld(t, claytest.Options{})
	t.Chdir(w.dir)
	w.file("a=b.csv", leads(1))
	if r := w.enrich("a=b.csv", "-o", w.path("out.csv")); r.code != exitOK || len(w.statuses("out.csv")) != 1 {
		t.Errorf("exit %d\n%s", r.code, r.err)
	}
}

func TestLanePace(t *testing.T) {
	for pace, want := range map[float64]ledger.Pace{
		0: {PerSecond: ledger.DefaultPerSecond, Burst: ledger.DefaultBurst}, 25: {PerSecond: 25, Burst: 25}, 0.5: {PerSecond: 0.5, Burst: 1},
	} {
		f := loadFlags{pace: pace}
		if got := f.lanePace(); got != want {
			t.Errorf("--pace %g: %+v, want %+v", pace, got, want)
		}
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t, claytest.Options{})
	if r := w.run("version"); r.code != exitOK || !strings.HasPrefix(r.out, "claygate ") || strings.Count(r.out, "\n") != 1 {
		t.Errorf("exit %d: %s%s", r.code, r.out, r.err)
	}
}

// The help names every flag once, with its default where there is one.
func TestHelp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, claytest.Options{})
	r := w.run("enrich", "--help")
	for _, flag := range []string{
		"--callback-listen", "--public-url", "--ledger", "--job", "--dedupe-by", "--max-age", "--result-timeout", "--limit", "--retry", "--fresh",
		"--dry-run", "--json", "--encoding", "--emulate", "--output", "--target", "--patience", "--pace", "--verbose", "--escape-formulas",
	} {
		if n := strings.Count(r.out, " "+flag+" "); n < 1 {
			t.Errorf("the help does not explain %s", flag)
		}
	}
	if r.code != exitOK {
		t.Errorf("exit %d", r.code)
	}
	send := w.run("send", "--help").out
	if i := slices.IndexFunc([]string{"--public-url", "--output", "--max-age"}, func(f string) bool { return strings.Contains(send, f) }); i >= 0 {
		t.Errorf("send, which awaits no results, takes flags about them:\n%s", send)
	}
}

// emulate prints what makes the next command work, and logs what arrives.
func TestEmulateCommand(t *testing.T) {
	t.Parallel()
	w := newWorld(t, claytest.Options{})
	callback := freeAddress(t)
	address := freeAddress(t)
	c := w.start("emulate", "--listen", address, "--token", "let-me-in", "--callback-url", "http://"+callback+"/callbacks/default", "--per-second", "-1",
		"--completion-url", "http://"+freeAddress(t)+"/completions/main", "--credits", "5", "--run-delay", "10ms", "--api-per-second", "-1", "--run-life", "1h", "--hide-limits")
	if !c.out.wait(t.Context(), "What arrives:") {
		t.Fatal(c.out)
	}
	client := newWorld(t, claytest.Options{})
	for line := range strings.Lines(c.out.String()) {
		if export, ok := strings.CutPrefix(strings.TrimSpace(line), "export "); ok {
			for _, setting := range strings.Fields(export) {
				name, value, _ := strings.Cut(setting, "=")
				client.env[name] = value
			}
		}
	}
	client.env["CLAYGATE_LEDGER"] = client.path("emulate.db")
	delete(client.env, "CLAYGATE_CALLBACK_SECRET")
	r := client.run("enrich", client.file("leads.csv", leads(3)), "--callback-listen", callback, "-o", client.path("out.csv"))
	if r.code != exitOK || len(client.statuses("out.csv")) != 3 {
		t.Errorf("exit %d\n%s", r.code, r.err)
	}
	if r := client.run("whoami"); len(client.env["CLAY_COMPLETION_SECRET"]) < 16 || !strings.Contains(r.out, `"credits":5`) {
		t.Errorf("exit %d, %s\n%s", r.code, r.out, c.out)
	}
	c.interrupt <- nil
	if end := c.wait(); end.code != exitOK || strings.Count(end.out, "table=default status=200") != 3 {
		t.Errorf("exit %d\n%s", end.code, end.out)
	}
}
