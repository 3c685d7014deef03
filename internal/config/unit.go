package config

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Size is a number of bytes. In YAML it has a unit: 512KiB, 1MiB, 10MB.
type Size int64

// units of time and of size, the largest first, which is how they are written.
var (
	timeUnits = []unit{{"d", int64(day)}, {"h", int64(time.Hour)}, {"m", int64(time.Minute)}, {"s", int64(time.Second)}, {"ms", int64(time.Millisecond)}}
	sizeUnits = []unit{
		{"GiB", 1 << 30}, {"GB", 1e9}, {"MiB", 1 << 20}, {"MB", 1e6}, {"KiB", 1 << 10}, {"kB", 1e3}, {"B", 1},
	}
)

type unit struct {
	name string
	size int64
}

// maxSpan bounds every duration: more is a slip of the keyboard.
const maxSpan = 100 * 365 * day

// The forms of what has a unit. A comma and more than nine digits are left to the error.
var (
	spanForm = regexp.MustCompile(`^([0-9]{1,9}(?:\.[0-9]{1,9})?(?:[a-zA-Zµ]+))+$`)
	partForm = regexp.MustCompile(`([0-9.]+)([a-zA-Zµ]+)`)
	bareForm = regexp.MustCompile(`^[0-9]{1,9}(\.[0-9]{1,9})?$`)
)

// parseDuration reads 30d, 12h, 1d12h, 90s, 500ms and 0.
func parseDuration(text string) (time.Duration, error) {
	if text == "0" {
		return 0, nil
	}
	n, err := parseUnits(text, timeUnits)
	switch {
	case errors.Is(err, errNoUnit):
		return 0, fmt.Errorf("%s has no unit; write 90s, 30m, 12h or 30d", shown(text))
	case err != nil:
		return 0, fmt.Errorf("%s is not a duration; write 90s, 30m, 12h or 30d", shown(text))
	case time.Duration(n) > maxSpan:
		return 0, fmt.Errorf("%s is more than 100 years", shown(text))
	}
	return time.Duration(n), nil
}

// parseSize reads 512KiB, 1MiB, 10MB.
func parseSize(text string) (Size, error) {
	n, err := parseUnits(text, sizeUnits)
	switch {
	case errors.Is(err, errNoUnit):
		return 0, fmt.Errorf("%s has no unit; write 512KiB or 1MiB", shown(text))
	case err != nil:
		return 0, fmt.Errorf("%s is not a size; write 512KiB or 1MiB", shown(text))
	}
	return Size(n), nil
}

var (
	errNoUnit = errors.New("no unit")
	errForm   = errors.New("not a quantity")
)

// parseUnits adds up the parts of a quantity. Each unit stands once, and larger ones first.
func parseUnits(text string, units []unit) (int64, error) {
	if bareForm.MatchString(text) {
		return 0, errNoUnit
	}
	if !spanForm.MatchString(text) {
		return 0, errForm
	}
	total := int64(0)
	for _, part := range partForm.FindAllStringSubmatch(text, -1) {
		at := -1
		for i, u := range units {
			if u.name == part[2] {
				at = i
			}
		}
		if at < 0 {
			return 0, errForm
		}
		n, err := times(part[1], units[at].size)
		if err != nil || n > math.MaxInt64-total {
			return 0, errForm
		}
		total += n
		units = units[at+1:]
	}
	return total, nil
}

// times multiplies a decimal number, exactly as far as it is whole.
func times(number string, size int64) (int64, error) {
	digits, fraction, _ := strings.Cut(number, ".")
	whole, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || whole > math.MaxInt64/size-1 {
		return 0, errForm
	}
	part, err := strconv.ParseFloat("0."+fraction+"0", 64)
	return whole*size + int64(math.Round(part*float64(size))), err
}

// spell writes a duration as it is written in YAML.
func spell(d time.Duration) string {
	if d == 0 {
		return "0"
	}
	return spellUnits(int64(d), timeUnits)
}

// String writes a size as it is written in YAML.
func (s Size) String() string {
	for _, u := range sizeUnits {
		if u.size&(u.size-1) == 0 && int64(s)%u.size == 0 {
			return strconv.FormatInt(int64(s)/u.size, 10) + u.name
		}
	}
	return "0B"
}

func spellUnits(n int64, units []unit) string {
	var b strings.Builder
	for _, u := range units {
		if n >= u.size {
			b.WriteString(strconv.FormatInt(n/u.size, 10) + u.name)
			n %= u.size
		}
	}
	return b.String()
}
