package clay

import (
	"bytes"
	"encoding"
	"encoding/json"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

// Unmarshal is json.Unmarshal for what Clay sends. Columns turn values into text
// and back, so that a plain decoder fails on good data. Here
//
//   - numbers and booleans may be strings ("42", " 1,234 ", "true"), and strings numbers
//   - "" and null leave a field as it is, whatever its type
//   - "[object Object]", which Clay writes for a formula's object, counts as ""
//   - a list or an object may be a string that holds its JSON
//   - a single value may stand for a list of one
//
// Field names match as in encoding/json, without regard to case. A value that
// cannot be read as its field's type is an error.
func Unmarshal(data []byte, v any) error {
	tree, ok := parse(data)
	t := reflect.TypeOf(v)
	if !ok || t == nil || t.Kind() != reflect.Pointer {
		return json.Unmarshal(data, v) // its error says what is wrong with data or v
	}
	mended, ok := mend(tree, t.Elem())
	if !ok {
		return nil
	}
	data, err := json.Marshal(mended)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}

var (
	jsonReader = reflect.TypeFor[json.Unmarshaler]()
	textReader = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// mend returns v in the form that encoding/json wants for t; false if there is
// nothing to set.
func mend(v any, t reflect.Type) (any, bool) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	s, isText := v.(string)
	switch {
	case v == nil, s == "[object Object]", isText && s == "" && t.Kind() != reflect.String && t.Kind() != reflect.Interface:
		return nil, false
	case reflect.PointerTo(t).Implements(jsonReader), reflect.PointerTo(t).Implements(textReader):
		return v, true
	}
	switch t.Kind() {
	case reflect.String:
		return asText(v), true
	case reflect.Bool:
		if b, err := strconv.ParseBool(strings.ToLower(strings.TrimSpace(s))); isText && err == nil {
			return b, true
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Float32, reflect.Float64:
		return asNumber(v, t.Kind()), true
	case reflect.Slice, reflect.Array:
		return mendList(v, t)
	case reflect.Map, reflect.Struct:
		return mendObject(v, t)
	}
	return v, true
}

// asText gives numbers and booleans as the text that Clay shows.
func asText(v any) any {
	switch v := v.(type) {
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return v
}

// thousands are numbers with separators in the right places; "1,5" is none.
var thousands = regexp.MustCompile(`^-?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?$`)

// asNumber reads a number from text, with or without thousands separators, and
// whole ones also from a form like 12.0 or 1.2e3.
func asNumber(v any, kind reflect.Kind) any {
	text := ""
	switch v := v.(type) {
	case string:
		if text = strings.TrimSpace(v); thousands.MatchString(text) {
			text = strings.ReplaceAll(text, ",", "")
		}
	case json.Number:
		text = v.String()
	default:
		return v
	}
	whole := kind != reflect.Float32 && kind != reflect.Float64
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || !json.Valid([]byte(text)) {
		return v
	}
	// Beyond 2^53 a float is no longer exact, so the text is left as it is.
	if i := int64(f); whole && strings.ContainsAny(text, ".eE") && float64(i) == f && i > -1<<53 && i < 1<<53 {
		return i
	}
	return json.Number(text)
}

func mendList(v any, t reflect.Type) (any, bool) {
	if t.Elem().Kind() == reflect.Uint8 {
		return v, true // base64 text
	}
	switch inner := v.(type) {
	case []any:
		list := make([]any, len(inner))
		for i, item := range inner {
			if mended, ok := mend(item, t.Elem()); ok {
				list[i] = mended
			}
		}
		return list, true
	case string:
		if parsed, ok := parseText[[]any](inner); ok {
			return mendList(parsed, t)
		}
	}
	return mendList([]any{v}, t)
}

func mendObject(v any, t reflect.Type) (any, bool) {
	switch inner := v.(type) {
	case map[string]any:
		object := make(map[string]any, len(inner))
		for name, value := range inner {
			elem, ok := elemType(t, name)
			if !ok {
				continue
			}
			if mended, ok := mend(value, elem); ok {
				object[name] = mended
			} else if t.Kind() == reflect.Map {
				object[name] = nil
			}
		}
		return object, true
	case string:
		if parsed, ok := parseText[map[string]any](inner); ok {
			return mendObject(parsed, t)
		}
	}
	return v, true
}

// parse reads JSON, numbers as they are written.
func parse(data []byte) (v any, ok bool) {
	if !json.Valid(data) { // a decoder overlooks some of what may follow the value
		return nil, false
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	err := dec.Decode(&v)
	return v, err == nil
}

// parseText reads text that holds a JSON value of the given kind.
func parseText[T any](text string) (T, bool) {
	v, _ := parse([]byte(text))
	t, ok := v.(T)
	return t, ok
}

// elemType is the type that encoding/json would decode an object's field into.
func elemType(t reflect.Type, name string) (reflect.Type, bool) {
	if t.Kind() == reflect.Map {
		return t.Elem(), true
	}
	var folded reflect.Type
	for _, f := range reflect.VisibleFields(t) {
		tag, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || f.Tag.Get("json") == "-" || f.Anonymous && tag == "" {
			continue
		}
		if tag == "" {
			tag = f.Name
		}
		if options == "string" { // encoding/json wants the value as text
			f.Type = reflect.TypeFor[string]()
		}
		if tag == name {
			return f.Type, true
		}
		if folded == nil && strings.EqualFold(tag, name) {
			folded = f.Type
		}
	}
	return folded, folded != nil
}
