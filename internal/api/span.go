package api

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
)

// maxSpan is the longest time that a caller can ask for.
const maxSpan = 10 * 365 * 24 * time.Hour

// jsonSpan reads a length of time: a number of seconds, or a text such as "90s", "12h" or "30d".
func jsonSpan(value json.RawMessage) (time.Duration, error) {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return span(text)
	}
	return seconds(string(value))
}

// jsonMoment reads until when something holds: a length of time from now, or a date of RFC 3339. It returns the time
// left, negative for a date that has passed.
func jsonMoment(value json.RawMessage) (time.Duration, error) {
	var text string
	if json.Unmarshal(value, &text) == nil {
		if date, err := time.Parse(time.RFC3339, text); err == nil {
			if left := time.Until(date); left <= maxSpan && left != 0 {
				return left, nil
			}
		}
	}
	left, err := jsonSpan(value)
	if err == nil && left == 0 {
		left = -1 // by now
	}
	return left, err
}

var errSpan = errorText(`it must be a number of seconds, or a text such as "90s", "30m", "12h" or "30d", and at most ten years`)

// span reads a length of time as people write it.
func span(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseFloat(days, 64)
		if err != nil {
			return 0, errSpan
		}
		return scaled(n, 24*time.Hour)
	}
	if d, err := time.ParseDuration(text); err == nil {
		if d < 0 || d > maxSpan {
			return 0, errSpan
		}
		return d, nil
	}
	return seconds(text)
}

func seconds(text string) (time.Duration, error) {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, errSpan
	}
	return scaled(n, time.Second)
}

func scaled(n float64, unit time.Duration) (time.Duration, error) {
	if math.IsNaN(n) || n < 0 || n*float64(unit) > float64(maxSpan) {
		return 0, errSpan
	}
	return time.Duration(n * float64(unit)), nil
}
