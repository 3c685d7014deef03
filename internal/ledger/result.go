package ledger

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
)

// result completes a record, updates one that is done, or is kept by one that is to stay open.
func result(t Target, r Record, e Result) (Change, error) {
	if r.Erased { // what it would be compared with, or added to, is gone
		return Change{Record: r}, nil
	}
	if r.State == Done && r.Revision > 0 {
		return update(t, r, e)
	}
	fields, changed := e.Fields, true
	empty, err := isEmpty(r.Fields, fields)
	if err == nil && r.Result != nil { // what came while it was open; newer values count, because a status changes
		if fields, changed, err = merge(r.Result, fields, true); err == nil {
			empty, err = isEmpty(r.Fields, fields)
		}
	}
	if err != nil {
		return Change{}, &Error{Kind: Invalid, Op: "result", Message: err.Error()}
	}
	missing := t.incomplete(fields)
	r.Result, r.Empty, r.Emulated = fields, empty, t.Emulated
	if missing != "" && r.State != Done {
		return stayOpen(t, r, open{missing: missing, changed: changed}), nil
	}
	r.Revision, r.Reason = 1, ""
	if r.State == Done { // delivered, no result was awaited, and yet one came
		return Change{Record: r, Fresh: true}, nil
	}
	c := move(r, Done, Never)
	c.Fresh = true
	return c, nil
}

// incomplete says why a result does not complete a record yet; "" when it does. An expression that fails does not hold:
// what came is kept, and a person can read why.
func (t Target) incomplete(fields json.RawMessage) string {
	if t.CompleteWhen == nil {
		return ""
	}
	holds, err := t.CompleteWhen(fields)
	switch {
	case err != nil:
		return "complete_when cannot be answered on what came so far: " + err.Error()
	case !holds:
		return "complete_when does not hold on what came so far"
	}
	return ""
}

// open says what a result did to a record that stays open.
type open struct {
	missing string // why it does
	changed bool   // the result brought something
}

// stayOpen keeps a result and goes on waiting. A row that calls back is at Clay: a record that was to be sent again, or
// of which nobody knew, waits for the rest as if Clay had said so.
func stayOpen(t Target, r Record, o open) Change {
	switch r.State {
	case Queued:
		if r.Attempts == 0 || remaining(t, r) == 0 { // a person replayed it after its time
			break
		}
		fallthrough
	case Sending, Uncertain:
		r.AtClay, r.Reason = true, o.missing
		c := move(r, Sent, remaining(t, r))
		c.Kept = o.changed
		return c
	case Sent:
		o.changed = o.changed || r.Reason != o.missing
		r.Reason = o.missing
	}
	return Change{Record: r, Kept: o.changed}
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
	if bringsMore(input, output) {
		return false, nil
	}
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
