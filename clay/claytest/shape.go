package claytest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf16"
)

// shape says what is wrong with a JSON value, naming the place; "" when nothing
// is. Numbers are json.Number. Shapes are strict: a field that is not described is
// an error, as it is for Clay's own clients.
type shape func(at string, v any) string

// check reads JSON and holds it against the shape.
func (s shape) check(text []byte) string {
	if !json.Valid(text) {
		return "not valid JSON"
	}
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return err.Error()
	}
	return s("", v)
}

func wrong(at, format string, args ...any) string {
	if at == "" {
		at = "the value"
	}
	return strings.TrimPrefix(at, ".") + " " + fmt.Sprintf(format, args...)
}

// anything takes every value.
func anything(string, any) string { return "" }

// text takes strings.
func textShape(at string, v any) string {
	if _, ok := v.(string); !ok {
		return wrong(at, "is no string")
	}
	return ""
}

// textOf takes strings of a length. It is counted as JavaScript does, in UTF-16
// units, the strictest reading of "characters".
func textOf(shortest, longest int) shape {
	return func(at string, v any) string {
		s, ok := v.(string)
		n := len(utf16.Encode([]rune(s)))
		if !ok || n < shortest || n > longest {
			return wrong(at, "is no string of %d to %d characters", shortest, longest)
		}
		return ""
	}
}

// named takes strings that are not empty.
func named(at string, v any) string {
	if s, ok := v.(string); !ok || s == "" {
		return wrong(at, "is no string, or empty")
	}
	return ""
}

// one takes exactly these strings.
func one(of ...string) shape {
	return func(at string, v any) string {
		if s, ok := v.(string); !ok || !slices.Contains(of, s) {
			return wrong(at, "is none of %s", strings.Join(of, ", "))
		}
		return ""
	}
}

func number(at string, v any) string {
	if _, ok := v.(json.Number); !ok {
		return wrong(at, "is no number")
	}
	return ""
}

// whole takes integers in a range.
func whole(least, most int64) shape {
	return func(at string, v any) string {
		n, _ := v.(json.Number)
		if i, err := n.Int64(); err != nil || i < least || i > most {
			return wrong(at, "is no whole number from %d to %d", least, most)
		}
		return ""
	}
}

func boolean(at string, v any) string {
	if _, ok := v.(bool); !ok {
		return wrong(at, "is neither true nor false")
	}
	return ""
}

func isTrue(at string, v any) string {
	if v != true {
		return wrong(at, "is not true")
	}
	return ""
}

// orNull takes null as well.
func orNull(s shape) shape {
	return func(at string, v any) string {
		if v == nil {
			return ""
		}
		return s(at, v)
	}
}

// list takes arrays of a length.
func list(of shape, shortest, longest int) shape {
	return func(at string, v any) string {
		items, ok := v.([]any)
		if !ok || len(items) < shortest || len(items) > longest {
			return wrong(at, "is no array of %d to %d elements", shortest, longest)
		}
		for i, item := range items {
			if why := of(fmt.Sprintf("%s[%d]", at, i), item); why != "" {
				return why
			}
		}
		return ""
	}
}

// dict takes objects with any fields.
func dict(of shape) shape {
	return func(at string, v any) string {
		fields, ok := v.(map[string]any)
		if !ok {
			return wrong(at, "is no object")
		}
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			if why := of(at+"."+name, fields[name]); why != "" {
				return why
			}
		}
		return ""
	}
}

// fields describe an object; a name that ends in "?" may be missing.
type fields map[string]shape

// object takes objects with these fields and no others.
func object(known fields) shape {
	return func(at string, v any) string {
		got, ok := v.(map[string]any)
		if !ok {
			return wrong(at, "is no object")
		}
		for _, name := range slices.Sorted(maps.Keys(got)) {
			of := known[name]
			if of == nil {
				of = known[name+"?"]
			}
			if of == nil {
				return wrong(at+"."+name, "is not known here")
			}
			if why := of(at+"."+name, got[name]); why != "" {
				return why
			}
		}
		for _, name := range slices.Sorted(maps.Keys(known)) {
			if _, there := got[name]; !there && !strings.HasSuffix(name, "?") {
				return wrong(at+"."+name, "is missing")
			}
		}
		return ""
	}
}

// either takes what one of the shapes takes, and complains as the last.
func either(of ...shape) shape {
	return func(at string, v any) (why string) {
		for _, s := range of {
			if why = s(at, v); why == "" {
				return ""
			}
		}
		return why
	}
}
