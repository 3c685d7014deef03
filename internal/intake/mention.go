package intake

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"
)

// mention is what bodies must hold, all of it, to speak of somebody: folded values.
type mention []string

// wordy is from how many letters on a value that stands within a longer text counts as mentioned there. Shorter ones stand in
// too many.
const wordy = 6

// in reports whether bodies together mention somebody.
func (m mention) in(bodies ...json.RawMessage) bool {
	if !m.likely(bodies) {
		return false
	}
	var texts []string
	for _, body := range bodies {
		var value any
		dec := json.NewDecoder(bytes.NewReader(body))
		dec.UseNumber()
		if dec.Decode(&value) != nil { // an unmatched callback may be anything
			value = string(body)
		}
		texts = spoken(texts, value)
	}
	return !slices.ContainsFunc(m, func(v string) bool { return !said(texts, v) })
}

// likely looks whether it is worth reading the bodies: what stands in one stands there as it is, or escaped.
func (m mention) likely(bodies []json.RawMessage) bool {
	return !slices.ContainsFunc(m, func(v string) bool {
		return !slices.ContainsFunc(bodies, func(body json.RawMessage) bool {
			return bytes.IndexByte(body, '\\') >= 0 || bytes.Contains(bytes.ToLower(body), []byte(v))
		})
	})
}

// spoken adds the texts that a JSON value holds, names too, folded.
func spoken(all []string, value any) []string {
	switch v := value.(type) {
	case string:
		all = append(all, Fold(v))
	case json.Number:
		all = append(all, v.String())
	case []any:
		for _, one := range v {
			all = spoken(all, one)
		}
	case map[string]any:
		for name, one := range v {
			all = spoken(append(all, Fold(name)), one)
		}
	}
	return all
}

func said(texts []string, v string) bool {
	long := utf8.RuneCountInString(v) >= wordy
	return slices.ContainsFunc(texts, func(text string) bool { return text == v || long && strings.Contains(text, v) })
}
