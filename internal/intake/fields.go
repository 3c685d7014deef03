package intake

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds the nesting of a record. Clay shows two or three levels; what nests deeper is an accident or an attack.
const maxDepth = 64

// decode reads one JSON object. Unlike encoding/json it refuses invalid UTF-8, a name given twice and deep nesting,
// because Clay would silently keep something else than was meant.
func decode(raw json.RawMessage) (map[string]json.RawMessage, error) {
	if !utf8.Valid(raw) {
		return nil, errors.New("it is not valid UTF-8")
	}
	if err := checkTokens(raw); err != nil {
		return nil, err
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(raw, &values); err != nil {
		return nil, fmt.Errorf("it is not valid JSON: %w", err)
	}
	return values, nil
}

// checkTokens walks over the object's tokens. It must be an object, and only one.
func checkTokens(raw json.RawMessage) error {
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.UseNumber()
	first, err := dec.Token()
	if err != nil {
		return fmt.Errorf("it is not valid JSON: %w", err)
	}
	if first != json.Delim('{') {
		return errors.New("it must be one JSON object: Clay makes one row of each POST, whatever it holds")
	}
	if err := walk(dec, true, 1); err != nil {
		return err
	}
	if dec.More() {
		return errors.New("something follows the JSON object")
	}
	return nil
}

// walk reads the rest of an object or array, its closing delimiter included.
func walk(dec *json.Decoder, object bool, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("it nests deeper than %d levels", maxDepth)
	}
	var names map[string]bool
	if object {
		names = map[string]bool{}
	}
	for dec.More() {
		if object {
			if err := name(dec, names); err != nil {
				return err
			}
		}
		tok, err := dec.Token()
		if err != nil {
			return fmt.Errorf("it is not valid JSON: %w", err)
		}
		if delim, ok := tok.(json.Delim); ok {
			if err := walk(dec, delim == '{', depth+1); err != nil {
				return err
			}
		}
	}
	if _, err := dec.Token(); err != nil {
		return fmt.Errorf("it is not valid JSON: %w", err)
	}
	return nil
}

func name(dec *json.Decoder, seen map[string]bool) error {
	tok, err := dec.Token()
	if err != nil {
		return fmt.Errorf("it is not valid JSON: %w", err)
	}
	n, _ := tok.(string)
	if seen[n] {
		return fmt.Errorf("the field %.40q is given twice", n)
	}
	seen[n] = true
	return nil
}

// dedupeValue returns what the fields hold that makes two records the same work: trimmed and lower-cased, several
// fields as a JSON array; "" when all of them are empty.
func dedupeValue(fields []string, values map[string]json.RawMessage) string {
	folded := make([]string, len(fields))
	empty := true
	for i, f := range fields {
		folded[i] = Fold(text(values[f]))
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
