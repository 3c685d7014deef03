package cli

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var escape = regexp.MustCompile(`\x1b\[\d*m`)

// The bar never needs more columns than there are: a line that wraps leaves rubbish with every refresh.
func TestBarFits(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		total := rapid.IntRange(0, 5_000_000).Draw(rt, "total")
		part := rapid.IntRange(0, total)
		m := progress{
			total: total, finished: part.Draw(rt, "finished"), sent: part.Draw(rt, "sent"), done: part.Draw(rt, "done"),
			cached: part.Draw(rt, "cached"), failed: part.Draw(rt, "failed"), queued: part.Draw(rt, "queued"), atClay: part.Draw(rt, "atClay"),
			rate: rapid.Float64Range(0, 9999).Draw(rt, "rate"), left: time.Duration(rapid.Int64Range(0, 1e16).Draw(rt, "left")),
			wait: time.Duration(rapid.Int64Range(0, 1e14).Draw(rt, "wait")),
			held: rapid.Bool().Draw(rt, "held"), stopped: rapid.Bool().Draw(rt, "stopped"),
		}
		width := rapid.IntRange(1, 300).Draw(rt, "width")
		upper, lower := paint{on: rapid.Bool().Draw(rt, "colour")}.lines(m, width)
		for _, line := range []string{upper, lower} {
			if seen := escape.ReplaceAllString(line, ""); columns(seen) >= width || strings.ContainsAny(seen, "\x1b\n\r") {
				rt.Fatalf("%d columns of %d: %q", columns(seen), width, line)
			}
		}
	})
}

func TestBar(t *testing.T) {
	middle := progress{total: 48, finished: 25, sent: 28, done: 22, cached: 3, queued: 20, atClay: 3, rate: 9.96, left: 2 * time.Second}
	failing := middle
	failing.failed = 7
	end := progress{total: 48, finished: 48, sent: 45, done: 45, cached: 3, rate: 9.6, took: 5 * time.Second}
	waiting := progress{total: 48, finished: 45, sent: 45, done: 42, cached: 3, atClay: 1, rate: 11}
	held := progress{total: 48, queued: 48, held: true}
	later := progress{total: 48, queued: 48, held: true, wait: 59 * time.Minute}
	million := progress{total: 1_000_000, finished: 123_456, sent: 120_000, done: 119_000, cached: 4_000, failed: 456, queued: 876_544, rate: 10, left: 87_654 * time.Second}
	tests := map[string]struct {
		m            progress
		width        int
		upper, lower string
	}{
		"narrow":            {middle, 50, "━━━━━━━━━━──────────  25/48  2 s left", "sent 28 · done 22 · cached 3 · failed 0 · 10.0/s"},
		"80 columns":        {middle, 80, "━━━━━━━━━━━━━━━━━━━━╸───────────────────  25/48  2 s left", "sent 28 · done 22 · cached 3 · failed 0 · 10.0/s"},
		"wide":              {middle, 200, "━━━━━━━━━━━━━━━━━━━━╸───────────────────  25/48  sent 28 · done 22 · cached 3 · failed 0 · 10.0/s  2 s left", ""},
		"the end":           {end, 80, strings.Repeat("━", 40) + "  48/48  in 5 s", "sent 45 · done 45 · cached 3 · failed 0 · 9.6/s"},
		"results to come":   {waiting, 80, "━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╸──  45/48  awaiting 1 result", "sent 45 · done 42 · cached 3 · failed 0 · 11.0/s"},
		"nothing through":   {held, 80, strings.Repeat("─", 40) + "  0/48  retrying", "sent 0 · done 0 · cached 0 · failed 0 · 0.0/s"},
		"told to wait":      {later, 80, strings.Repeat("─", 40) + "  0/48  next try in 59 min", "sent 0 · done 0 · cached 0 · failed 0 · 0.0/s"},
		"a long end":        {progress{total: 1, queued: 1, wait: time.Hour}, 38, strings.Repeat("─", 8) + "  0/1  next try in 1 h 00 min", "sent 0 done 0 cached 0 failed 0 0.0/s"},
		"a million":         {million, 80, "━━━━╸───────────────────────────────────  123456/1000000  24 h 20 min left", "sent 120000 · done 119000 · cached 4000 · failed 456 · 10.0/s"},
		"a million, narrow": {million, 40, "123456/1000000  24 h 20 min left", "sent 120000 done 119000 cached 4000 fa…"},
		"failures":          {failing, 60, "━━━━━━━━━━━━━━━╸──────────────  25/48  2 s left", "sent 28 · done 22 · cached 3 · failed 7 · 10.0/s"},
		"hardly any room":   {middle, 10, "25/48  2…", "sent 28 …"},
		"one column":        {middle, 1, "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			upper, lower := paint{}.lines(tt.m, tt.width)
			if diff := cmp.Diff([]string{tt.upper, tt.lower}, []string{upper, lower}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			cu, cl := paint{on: true}.lines(tt.m, tt.width)
			if diff := cmp.Diff([]string{upper, lower}, []string{escape.ReplaceAllString(cu, ""), escape.ReplaceAllString(cl, "")}); diff != "" {
				t.Errorf("colour changes the text:\n%s", diff)
			}
		})
	}
	if _, lower := (paint{on: true}).lines(failing, 60); !strings.Contains(lower, "\x1b[31mfailed 7\x1b[0m") {
		t.Errorf("the failures do not stand out: %q", lower)
	}
}

func TestFold(t *testing.T) {
	tests := map[string]struct {
		text  string
		width int
		want  string
	}{
		"short":             {"one two\n", 10, "one two\n"},
		"exactly":           {"one two\n", 7, "one two\n"},
		"one too many":      {"one two\n", 6, "one\n  two\n"},
		"goes on indented":  {"one two three four\n", 11, "one two\n  three\n  four\n"},
		"an indented line":  {"head\n  one two three\n", 10, "head\n  one two\n    three\n"},
		"a long word":       {"see https://example.com/very/long now\n", 12, "see\n  https://example.com/very/long\n  now\n"},
		"accents count one": {"éé éé éé\n", 5, "éé éé\n  éé\n"},
		"no end of line":    {"one two", 4, "one\n  two"},
		"hopelessly narrow": {"one two\n", 1, "one two\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, fold(tt.text, tt.width)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestFoldKeepsEveryWord(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.StringMatching(`( {0,3}([a-z]{1,8} ){0,9}[a-z]{1,8}\n){0,4}`).Draw(rt, "text")
		width := rapid.IntRange(0, 60).Draw(rt, "width")
		got := fold(text, width)
		if diff := cmp.Diff(strings.Fields(text), strings.Fields(got)); diff != "" {
			rt.Fatal(diff)
		}
		for line := range strings.Lines(got) {
			if line = strings.TrimSuffix(line, "\n"); columns(line) > width && len(strings.Fields(line)) > 1 && width > 8 {
				rt.Fatalf("%d columns of %d: %q", columns(line), width, line)
			}
		}
	})
}

func TestAbout(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", 400 * time.Millisecond: "0 s", 59*time.Second + 400*time.Millisecond: "59 s", 90 * time.Second: "2 min", 59 * time.Minute: "59 min",
		time.Hour: "1 h 00 min", 25*time.Hour + 5*time.Minute: "25 h 05 min", 72 * time.Hour: "3 days",
	} {
		if got := about(d); got != want {
			t.Errorf("about(%s) = %q, want %q", d, got, want)
		}
	}
}
