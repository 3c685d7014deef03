package ledger

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
)

// result completes a record, or updates one that is done.
func result(t Target, r Record, e Result) (Change, error) {
	if r.State == Done && r.Revision > 0 {
		return update(t, r, e)
	}
	empty, err := isEmpty(r.Fields, e.Fields)
	if err != nil {
		return Change{}, &Error{Kind: Invalid, Op: "result", Message: err.Error()}
	}
	r.Result, r.Empty, r.Emulated = e.Fields, empty, t.Emulated
	r.Revision, r.Reason = 1, ""
	if r.State == Done { // delivered, no result was awaited, and yet one came
		return Change{Record: r, Fresh: true}, nil
	}
	c := move(r, Done, Never)
	c.Fresh = true
	return c, nil
}

// update merges a further result into a done record. The revision rises only when something changed, so that Clay's
// repeated deliveries are not news.
func update(t Target, r Record, e Result) (Change, error) {
	if t.OnUpdate == Ignore {
		return Change{Record: r}, nil
	}
	merged, changed, err := merge(r.Result, e.Fields, t.OnUpdate == Replace)
	if err != nil {
		return Change{}, &Error{Kind: Invalid, Op: "result", Message: err.Error()}
	}
	if !changed {
		return Change{Record: r}, nil
	}
	empty, err := isEmpty(r.Fields, merged)
	if err != nil {
		return Change{}, &Error{Kind: Invalid, Op: "result", Message: err.Error()}
	}
	r.Result, r.Empty = merged, empty
	r.Revision++
	return Change{Record: r, Fresh: true}, nil
}

// merge brings the fields of next into old: those that old lacks or has empty, and with replace all that next has a
// value for. An empty value never replaces a paid one.
func merge(old, next json.RawMessage, replace bool) (merged json.RawMessage, changed bool, err error) {
	have, err := object(old)
	if err != nil {
		return nil, false, err
	}
	more, err := object(next)
	if err != nil {
		return nil, false, err
	}
	for name, value := range more {
		before, known := have[name]
		fills := !known || blank(before) && !blank(value)
		replaces := replace && !blank(value) && !sameJSON(before, value)
		if fills || replaces {
			have[name], changed = value, true
		}
	}
	if !changed {
		return old, false, nil
	}
	merged, err = encode(have)
	return merged, true, err
}

// encode writes an object as json.Marshal does, but leaves <, > and & as they came.
func encode(fields map[string]json.RawMessage) (json.RawMessage, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(fields); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// isEmpty reports whether a result holds nothing beyond what was sent: every field that was not in the input is blank.
func isEmpty(input, output json.RawMessage) (bool, error) {
	out, err := object(output)
	if err != nil {
		return false, err
	}
	var in map[string]json.RawMessage
	if len(input) > 0 {
		if in, err = object(input); err != nil {
			return false, err
		}
	}
	for name, value := range out {
		if _, sent := in[name]; !sent && !blank(value) {
			return false, nil
		}
	}
	return true, nil
}

func object(raw json.RawMessage) (map[string]json.RawMessage, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, fmt.Errorf("a result must be one JSON object: %w", err)
	}
	if fields == nil {
		return nil, fmt.Errorf("a result must be one JSON object, not null")
	}
	return fields, nil
}

// blank reports whether a value says nothing: null, "", [] or {}.
func blank(value json.RawMessage) bool {
	switch string(compact(value)) {
	case "", "null", `""`, "[]", "{}":
		return true
	}
	return false
}

// sameJSON reports whether two values say the same, however they are spelled: Clay's repeated deliveries may order,
// space and escape them differently. Numbers keep all their digits.
func sameJSON(a, b json.RawMessage) bool {
	if bytes.Equal(a, b) {
		return true
	}
	x, errX := decode(a)
	y, errY := decode(b)
	return errX == nil && errY == nil && reflect.DeepEqual(x, y)
}

func decode(value json.RawMessage) (v any, err error) {
	dec := json.NewDecoder(bytes.NewReader(value))
	dec.UseNumber()
	err = dec.Decode(&v)
	return v, err
}

func compact(value json.RawMessage) []byte {
	var out bytes.Buffer
	if json.Compact(&out, value) != nil {
		return value
	}
	return out.Bytes()
}
