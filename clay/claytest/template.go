package claytest

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

// template is text with chips: {{field}}.
type template []piece

// piece is literal text or, when chip is set, the name of a chip.
type piece struct {
	text   string
	chip   bool
	quoted bool // the chip stands between JSON quotes
}

// parseTemplate splits the text at its chips. Whether a chip is quoted is told
// from the literal text before it, read as JSON.
func parseTemplate(text string) (template, error) {
	var t template
	quoted := false
	for text != "" {
		literal, rest, found := strings.Cut(text, "{{")
		if literal != "" {
			t = append(t, piece{text: literal})
			quoted = inString(literal, quoted)
		}
		if !found {
			break
		}
		name, after, closed := strings.Cut(rest, "}}")
		name = strings.TrimSpace(name)
		if !closed || name == "" {
			return nil, fmt.Errorf("a {{chip}} without a name or without its end near %.20q", "{{"+rest)
		}
		t = append(t, piece{text: name, chip: true, quoted: quoted})
		text = after
	}
	return t, nil
}

// inString reports whether JSON text ends inside a string, given where it began.
func inString(text string, inside bool) bool {
	for i := 0; i < len(text); i++ {
		switch {
		case inside && text[i] == '\\':
			i++
		case text[i] == '"':
			inside = !inside
		}
	}
	return inside
}

// body fills the chips as JSON: a bare chip is its value serialised, a quoted
// one becomes part of the string around it.
func (t template) body(v values) string {
	var b strings.Builder
	for _, p := range t {
		switch value, sub := v.lookup(p.text), strings.Contains(p.text, "."); {
		case !p.chip:
			b.WriteString(p.text)
		case isObject(value) && sub:
			// Clay serialises chips but not sub-properties of formulas.
			b.WriteString("[object Object]")
		case p.quoted:
			s := encode(plain(value))
			b.WriteString(s[1 : len(s)-1])
		default:
			b.WriteString(encode(value))
		}
	}
	return b.String()
}

// url fills the chips percent-encoded; one at the very start may bring the
// whole URL and stays as it is.
func (t template) url(v values) string {
	var b strings.Builder
	for i, p := range t {
		switch {
		case !p.chip:
			b.WriteString(p.text)
		case i == 0:
			b.WriteString(plain(v.lookup(p.text)))
		default:
			b.WriteString(url.QueryEscape(plain(v.lookup(p.text))))
		}
	}
	return b.String()
}

// values are what a row's chips can stand for.
type values struct{ input, enriched map[string]any }

// lookup finds a chip's value, nil when there is none.
func (v values) lookup(name string) any {
	if value, ok := v.enriched[name]; ok {
		return value
	}
	if value, ok := v.input[name]; ok {
		return value
	}
	if rest, ok := strings.CutPrefix(name, "row."); ok {
		return dig(v.input, rest)
	}
	if value := dig(v.enriched, name); value != nil {
		return value
	}
	return dig(v.input, name)
}

// dig follows a dotted path into objects; a flat key with dots counts as well.
func dig(object map[string]any, path string) any {
	if value, ok := object[path]; ok {
		return value
	}
	head, rest, _ := strings.Cut(path, ".")
	inner, _ := object[head].(map[string]any)
	if inner == nil {
		return nil
	}
	return dig(inner, rest)
}

func isObject(value any) bool {
	_, ok := value.(map[string]any)
	return ok
}

// plain is a value as text: strings as they are, null as nothing, the rest as
// JSON.
func plain(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		return encode(v)
	}
}

// encode is JSON without HTML escapes, as JavaScript writes it.
func encode(value any) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return "null" // nothing that came from JSON fails
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// isEmpty reports null and "".
func isEmpty(value any) bool { return value == nil || value == "" }
