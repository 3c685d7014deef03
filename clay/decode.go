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
//   - null leaves a field as it is, and so does "" where the field is no string
//   - "[object Object]", which Clay writes for a formula's object, counts as null
//   - a list or an object may be a string that holds its JSON
//   - a single value may stand for a list of one
//
// Field names match as in encoding/json, without regard to case; of several members
// for one field that with the exact name counts. A value that cannot be read as its
// field's type is an error.
func Unmarshal(data []byte, v any) error {
	t := reflect.TypeOf(v)
	if t == nil || t.Kind() != reflect.Pointer || !json.Valid(data) {
		return json.Unmarshal(data, v) // its error says what is wrong with data or v
	}
	mended, ok := mend(data, t.Elem())
	if !ok {
		return nil
	}
	return json.Unmarshal(mended, v)
}

var (
	null       = json.RawMessage("null")
	jsonReader = reflect.TypeFor[json.Unmarshaler]()
	textReader = reflect.TypeFor[encoding.TextUnmarshaler]()
	jsonNumber = reflect.TypeFor[json.Number]() // text in Go, but a number in JSON
)

// mend returns a valid JSON value in the form that encoding/json wants for t; false if
// there is nothing to set. What t takes as it is, e.g. a json.RawMessage, stays as it is.
func mend(value json.RawMessage, t reflect.Type) (json.RawMessage, bool) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	value = bytes.TrimSpace(value)
	text, isText := unquote(value)
	empty := isText && strings.TrimSpace(text) == "" && (t == jsonNumber || t.Kind() != reflect.String && t.Kind() != reflect.Interface)
	switch {
	case value[0] == 'n', text == "[object Object]", empty:
		return nil, false
	case readsItself(t):
		return value, true
	case t == jsonNumber:
		return mendNumber(value, false), true
	}
	switch t.Kind() {
	case reflect.String:
		if !isText && value[0] != '{' && value[0] != '[' { // a number or boolean, as the text that Clay shows
			return quote(value), true
		}
	case reflect.Bool:
		if b, err := strconv.ParseBool(strings.ToLower(strings.TrimSpace(text))); isText && err == nil {
			return strconv.AppendBool(nil, b), true
		}
	case reflect.Slice, reflect.Array:
		return mendList(value, t)
	case reflect.Map, reflect.Struct:
		return mendObject(value, t)
	default:
		if whole, number := numeric(t.Kind()); number {
			return mendNumber(value, whole), true
		}
	}
	return value, true
}

func readsItself(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(jsonReader) || reflect.PointerTo(t).Implements(textReader)
}

// unquote is the text of a JSON string, false for any other value.
func unquote(value json.RawMessage) (text string, ok bool) {
	return text, len(value) > 0 && value[0] == '"' && json.Unmarshal(value, &text) == nil
}

// quote is JSON within a JSON string. JSON numbers and booleans need no more escaping.
func quote(value json.RawMessage) json.RawMessage {
	return append(append([]byte{'"'}, value...), '"')
}

// numeric tells the kinds of numbers from all others, and the whole ones among them.
func numeric(k reflect.Kind) (whole, number bool) {
	switch k {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return true, true
	case reflect.Float32, reflect.Float64:
		return false, true
	default:
		return false, false
	}
}

// thousands are numbers with separators in the right places; "1,5" is none.
var thousands = regexp.MustCompile(`^-?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?$`)

// mendNumber reads a number from text, with or without thousands separators, and
// whole ones also from a form like 12.0 or 1.2e3. It returns what is no number as it is.
func mendNumber(value json.RawMessage, whole bool) json.RawMessage {
	number := value
	if text, isText := unquote(value); isText {
		if text = strings.TrimSpace(text); thousands.MatchString(text) {
			text = strings.ReplaceAll(text, ",", "")
		}
		number = json.RawMessage(text)
	}
	f, err := strconv.ParseFloat(string(number), 64)
	if err != nil || !json.Valid(number) {
		return value
	}
	// Beyond 2^53 a float is no longer exact, so the text is left as it is.
	if i := int64(f); whole && bytes.ContainsAny(number, ".eE") && float64(i) == f && i > -1<<53 && i < 1<<53 {
		return strconv.AppendInt(nil, i, 10)
	}
	return number
}

func mendList(value json.RawMessage, t reflect.Type) (json.RawMessage, bool) {
	if !isList(t) {
		return value, true // base64 text
	}
	value = unwrap(value, '[')
	var items []json.RawMessage
	if value[0] != '[' {
		if isList(t.Elem()) {
			return value, true // one value makes no list of lists
		}
		items = []json.RawMessage{value}
	} else if json.Unmarshal(value, &items) != nil {
		return value, true
	}
	for i, item := range items {
		if mended, ok := mend(item, t.Elem()); ok {
			items[i] = mended
		} else {
			items[i] = null
		}
	}
	return encoded(items, value), true
}

// isList reports whether encoding/json reads t from a JSON array only.
func isList(t reflect.Type) bool {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) && t.Elem().Kind() != reflect.Uint8 && !readsItself(t)
}

func mendObject(value json.RawMessage, t reflect.Type) (json.RawMessage, bool) {
	value = unwrap(value, '{')
	members, err := object(value)
	if err != nil {
		return value, true
	}
	fields := make(map[string]json.RawMessage, len(members))
	for name, value := range members {
		f, known := fieldFor(t, name)
		if _, exact := members[f.name]; !known || f.name != "" && f.name != name && exact {
			continue
		}
		mended, ok := mend(value, f.is)
		switch {
		case ok && f.quoted:
			fields[name] = quote(mended)
		case ok:
			fields[name] = mended
		case t.Kind() == reflect.Map:
			fields[name] = null
		}
	}
	return encoded(fields, value), true
}

// unwrap is the list or object that a JSON string holds as JSON, and any other value as it is.
func unwrap(value json.RawMessage, bracket byte) json.RawMessage {
	text, _ := unquote(value)
	if text = strings.TrimSpace(text); text != "" && text[0] == bracket && json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	return value
}

// encoded is v as JSON, or what it was made from.
func encoded(v any, from json.RawMessage) json.RawMessage {
	data, err := marshal(v)
	if err != nil {
		return from
	}
	return data
}
