package clay

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// withoutValue says what does not fit, and where, without the value: it is somebody's data, and
// errors are logged. encoding/json and time quote it.
func withoutValue(err error) error {
	var mismatch *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &mismatch):
		kind, _, _ := strings.Cut(mismatch.Value, " ") // "number 256" where 256 is too much
		return &valueError{fmt.Sprintf("%s for %s %s", kind, cmp.Or(mismatch.Field, "a value"), mismatch.Type), err}
	case errors.As(err, &syntax):
		return err
	default:
		return &valueError{"a value that its type cannot read", err}
	}
}

// valueError is an error whose text would tell a value.
type valueError struct {
	text string
	err  error
}

func (e *valueError) Error() string { return e.text }
func (e *valueError) Unwrap() error { return e.err }
