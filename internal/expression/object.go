package expression

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

var errObject = errors.New("the fields are not one JSON object")

// object reads fields as the variables of an expression.
func object(fields json.RawMessage) (map[string]any, error) {
	dec := json.NewDecoder(bytes.NewReader(fields))
	dec.UseNumber() // 1e400 is no error, see number
	var env map[string]any
	if err := dec.Decode(&env); err != nil || env == nil {
		return nil, errObject
	}
	plain(env)
	return env, nil
}

// plain turns the numbers within a value into ones that can be reckoned with.
func plain(value any) any {
	switch v := value.(type) {
	case json.Number:
		return number(v)
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = plain(v[name])
		}
	}
	return value
}

// number returns a number as an int where it is a whole one, so that it can be an index, else as a float64. One that is
// too large for both is infinite.
func number(n json.Number) any {
	if i, err := strconv.Atoi(n.String()); err == nil {
		return i
	}
	f, _ := strconv.ParseFloat(n.String(), 64) // what is out of range comes back as an infinity
	return f
}

// kind names what a value is, for people.
func kind(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case bool:
		return "true or false"
	case string:
		return "a text"
	case int, float64:
		return "a number"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	return fmt.Sprintf("a %T", value)
}
