package cli

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// span is a duration flag that also takes days, as in 30d.
type span struct {
	time.Duration
	set bool
}

// or returns the duration that was given, or else another one.
func (s *span) or(other time.Duration) time.Duration {
	if s.set && s.Duration > 0 {
		return s.Duration
	}
	return other
}

// String implements pflag.Value.
func (s *span) String() string {
	if s.Duration == 0 && !s.set {
		return ""
	}
	return spell(s.Duration)
}

// Type implements pflag.Value.
func (s *span) Type() string { return "duration" }

// Set implements pflag.Value.
func (s *span) Set(text string) error {
	d, err := parseSpan(text)
	if err == nil && d < 0 {
		err = fmt.Errorf("it cannot be negative")
	}
	if err == nil {
		s.Duration, s.set = d, true
	}
	return err
}

func parseSpan(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseFloat(days, 64)
		if err != nil || math.Abs(n) > 36500 || math.IsNaN(n) {
			return 0, fmt.Errorf("%q is not a number of days, like 30d", text)
		}
		return time.Duration(n * float64(24*time.Hour)), nil
	}
	if text == "0" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration, like 90s, 30m, 12h or 30d", text)
	}
	return d, nil
}

// spell writes a duration as people say it.
func spell(d time.Duration) string {
	day := 24 * time.Hour
	switch {
	case d >= 2*day && d%day == 0:
		return fmt.Sprintf("%d days", d/day)
	case d >= time.Hour && d%time.Hour == 0:
		return plural(int(d/time.Hour), "hour")
	case d >= time.Minute && d%time.Minute == 0:
		return plural(int(d/time.Minute), "minute")
	case d >= time.Hour:
		return d.Round(time.Minute).String()
	case d%time.Second == 0:
		return plural(int(d/time.Second), "second")
	}
	return d.Round(time.Millisecond).String()
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
