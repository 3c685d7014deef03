package config

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// spanUnits are the units of a duration, the largest first, which is how they are written.
var spanUnits = []spanUnit{{"d", day}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond}}

type spanUnit struct {
	name string
	span time.Duration
}

// maxSpan bounds every duration: more is a slip of the keyboard.
const maxSpan = 100 * 365 * day

// The forms of a duration. Ten digits and more are left to the error.
var (
	spanForm = regexp.MustCompile(`^(?:[0-9]{1,9}(?:\.[0-9]{1,9})?[a-z]+)+$`)
	partForm = regexp.MustCompile(`([0-9.]+)([a-z]+)`)
	bareForm = regexp.MustCompile(`^[0-9]{1,9}(\.[0-9]{1,9})?$`)
)

var errSpan = errors.New("not a duration")

// parseDuration reads 30d, 12h, 1d12h, 90s, 500ms and 0. Each unit stands once, and larger ones first.
func parseDuration(text string) (time.Duration, error) {
	if text == "0" {
		return 0, nil
	}
	if bareForm.MatchString(text) {
		return 0, fmt.Errorf("%s has no unit; write 90s, 30m, 12h or 30d", shown(text))
	}
	total, err := sum(text)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%s is not a duration; write 90s, 30m, 12h or 30d", shown(text))
	case total > maxSpan:
		return 0, fmt.Errorf("%s is more than 100 years", shown(text))
	}
	return total, nil
}

func sum(text string) (time.Duration, error) {
	if !spanForm.MatchString(text) {
		return 0, errSpan
	}
	total, units := time.Duration(0), spanUnits
	for _, part := range partForm.FindAllStringSubmatch(text, -1) {
		at := slices.IndexFunc(units, func(u spanUnit) bool { return u.name == part[2] })
		if at < 0 {
			return 0, errSpan
		}
		n, err := times(part[1], units[at].span)
		if err != nil {
			return 0, err
		}
		total = min(total+n, maxSpan+1)
		units = units[at+1:]
	}
	return total, nil
}

// times multiplies a decimal number, exactly as far as it is whole, and up to little more than is allowed.
func times(number string, span time.Duration) (time.Duration, error) {
	digits, fraction, _ := strings.Cut(number, ".")
	whole, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0, err
	}
	if whole > int64(maxSpan/span) {
		return maxSpan + 1, nil
	}
	part, err := strconv.ParseFloat("0."+fraction+"0", 64)
	return time.Duration(whole)*span + time.Duration(math.Round(part*float64(span))), err
}

// spell writes a duration as it is written in YAML.
func spell(d time.Duration) string {
	if d == 0 {
		return "0"
	}
	var b strings.Builder
	for _, u := range spanUnits {
		if d >= u.span {
			b.WriteString(strconv.FormatInt(int64(d/u.span), 10) + u.name)
			d %= u.span
		}
	}
	return b.String()
}
