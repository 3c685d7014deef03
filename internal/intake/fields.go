package intake

import (
	"encoding/json"
	"strings"
)

// dedupeValue returns what the fields hold that makes two records the same work: trimmed and lower-cased, several
// fields as a JSON array; "" when all of them are empty.
func dedupeValue(fields []string, members []Member) string {
	if len(fields) == 0 {
		return ""
	}
	folded := make([]string, len(fields))
	empty := true
	for i, f := range fields {
		folded[i] = Fold(text(value(members, f)))
		empty = empty && folded[i] == ""
	}
	switch {
	case empty:
		return ""
	case len(folded) == 1:
		return folded[0]
	}
	joined, _ := json.Marshal(folded) // strings always encode
	return string(joined)
}

// value returns the value of a member, nil when there is none of that name.
func value(members []Member, name string) json.RawMessage {
	for _, m := range members {
		if m.Name == name {
			return m.Value
		}
	}
	return nil
}

// Fold returns a dedupe field's value as it is compared: trimmed and lower-cased.
func Fold(value string) string { return strings.ToLower(strings.TrimSpace(value)) }

// text returns a value as text: a string's content, null as "", anything else as its JSON.
func text(value json.RawMessage) string {
	var s string
	if json.Unmarshal(value, &s) == nil {
		return s
	}
	return string(value)
}
