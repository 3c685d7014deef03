package expression

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Value is a compiled expression that comes to a value: a text, a number, a list, an object. Beside what a [Condition]
// may call it has text(…), which joins what it is given into one text. It may be used concurrently.
type Value struct{ *compiled }

// CompileValue reads an expression; "" gives nil. The error says on one line what is wrong and where.
func CompileValue(text string) (*Value, error) {
	if text == "" {
		return nil, nil
	}
	c, err := read(text, &bounds{texts: true})
	if err != nil {
		return nil, err
	}
	return &Value{c}, nil
}

// Of evaluates the expression on a JSON object. What it returns can be encoded as JSON. The errors are those of
// [Condition.Holds].
func (v *Value) Of(fields json.RawMessage) (any, error) { return v.run(fields) }

// maxText bounds one text that an expression makes.
const maxText = 64 << 10

var errText = fmt.Errorf("text() makes texts of at most %d bytes", maxText)

// text joins values into one text. What it makes is paid for, so that no loop fills the memory with texts.
func (b *budget) text(parts ...any) (string, error) {
	var out strings.Builder
	for _, part := range parts {
		switch p := part.(type) {
		case nil:
		case string:
			out.WriteString(p)
		case bool, int, float64:
			fmt.Fprint(&out, p)
		default:
			return "", errors.New("text() joins texts and numbers, and one of them is " + kind(part))
		}
		if out.Len() > maxText {
			return "", errText
		}
	}
	if b.left -= out.Len(); b.left < 0 {
		return "", errWork
	}
	return out.String(), nil
}
