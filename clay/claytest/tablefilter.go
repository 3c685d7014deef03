package claytest

import (
	"fmt"
	"slices"
	"strings"
)

// matches evaluates a filter on a row; no filter matches all.
func matches(filter map[string]any, row map[string]any) bool {
	parts := inside(filter)
	switch {
	case filter["and"] != nil:
		return !slices.ContainsFunc(parts, func(f map[string]any) bool { return !matches(f, row) })
	case filter["or"] != nil:
		return slices.ContainsFunc(parts, func(f map[string]any) bool { return matches(f, row) })
	case filter["not"] != nil:
		return !matches(parts[0], row)
	case filter["field"] == nil:
		return true
	}
	name, _ := columnNamed(filter["field"].(string))
	cell, _ := row[name].(map[string]any)
	have, _ := cell["value"].(string)
	return compare(filter["op"].(string), have, filter["value"])
}

// compare compares texts, which is all that tables hold here.
func compare(op, have string, value any) bool {
	want := fmt.Sprint(value)
	switch op {
	case "=":
		return have == want
	case "!=":
		return have != want
	case ">":
		return have > want
	case ">=":
		return have >= want
	case "<":
		return have < want
	case "<=":
		return have <= want
	case "contains":
		return strings.Contains(have, want)
	case "not_contains":
		return !strings.Contains(have, want)
	case "starts_with":
		return strings.HasPrefix(have, want)
	case "ends_with":
		return strings.HasSuffix(have, want)
	case "is_empty":
		return have == ""
	case "is_not_empty":
		return have != ""
	}
	several, _ := value.([]any)
	return slices.ContainsFunc(several, func(v any) bool { return fmt.Sprint(v) == have }) == (op == "in")
}
