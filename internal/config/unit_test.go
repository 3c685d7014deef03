package config

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestDurations(t *testing.T) {
	good := map[string]time.Duration{
		"0": 0, "0s": 0, "30d": 30 * day, "1d12h": 36 * time.Hour, "1.5h": 90 * time.Minute, "250ms": 250 * time.Millisecond,
		"1d1h1m1s1ms": 25*time.Hour + time.Minute + time.Second + time.Millisecond, "36500d": maxSpan,
	}
	for text, want := range good {
		if got, err := parseDuration(text); err != nil || got != want {
			t.Errorf("%q is %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "1", "d", "1w", "1D", "1h1h", "1m1h", "+1h", "1h ", "1.h", ".5h", "1e3s", "１h", "36501d", "999999999d999999999h", "1us", "∞"} {
		if got, err := parseDuration(text); err == nil {
			t.Errorf("%q is %s", text, got)
		}
	}
}

// TestSpellings: what is printed can be written into the file, and means the same.
func TestSpellings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(0, int64(maxSpan/time.Millisecond)).Draw(t, "ms")) * time.Millisecond
		if got, err := parseDuration(spell(d)); err != nil || got != d {
			t.Fatalf("%s is spelled %s, which is %s, %v", d, spell(d), got, err)
		}
	})
}

func TestDistance(t *testing.T) {
	letters := rapid.StringMatching(`[a-d]{0,8}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := letters.Draw(t, "a"), letters.Draw(t, "b")
		d := distance(a, b)
		switch {
		case d != distance(b, a):
			t.Fatalf("%q to %q is not as far as back", a, b)
		case (d == 0) != (a == b):
			t.Fatalf("%q to %q is %d", a, b, d)
		case d > max(len(a), len(b)) || d < max(len(a), len(b))-min(len(a), len(b)):
			t.Fatalf("%q to %q is %d", a, b, d)
		}
	})
	for _, pair := range [][2]string{{"abcd", "acbd"}, {"abc", "abcd"}, {"abc", "abx"}} {
		if d := distance(pair[0], pair[1]); d != 1 {
			t.Errorf("%q to %q is %d, not 1", pair[0], pair[1], d)
		}
	}
}
