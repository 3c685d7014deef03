package sheet

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// maxDepth bounds how deep objects are flattened; what lies deeper stays JSON. Without a bound a hostile result makes names of megabytes.
const maxDepth = 16

// Field is one value of a flattened result.
type Field struct {
	Name  string // dotted: "location.city"; never empty, no blanks at its ends
	Value string // as in a cell: strings decoded, numbers with their digits, null empty, arrays as compact JSON
}

// Flatten turns a result into fields with dotted names, in the order of these names. Arrays stay JSON text; an empty object has no
// fields. Neither the order of members nor of runs changes the outcome: where two members come to one name, as in {"a.b":1,"a":{"b":2}}, the one
// that is nested less keeps it and the others become "a.b_2", "a.b_3"; of members with the same name in one object the last counts, as everywhere
// in JSON. A nil or null result has no fields; the error is for what is no object at all.
func Flatten(result json.RawMessage) ([]Field, error) {
	if isNull(result) {
		return nil, nil
	}
	object, err := compactObject(result)
	if err != nil {
		return nil, err
	}
	leaves := appendLeaves(nil, nil, object)
	slices.SortFunc(leaves, leaf.compare)
	return name(leaves), nil
}

func isNull(result json.RawMessage) bool {
	return len(result) == 0 || string(result) == "null"
}

// leaf is a value that is not an object, and the way to it.
type leaf struct {
	path  []string
	value json.RawMessage
}

// natural is the name that the path asks for. It can be a column: not empty, without blanks around it.
func (l leaf) natural() string {
	if joined := strings.TrimSpace(strings.Join(l.path, ".")); joined != "" {
		return joined
	}
	return "_"
}

// compare orders by name, then by depth, then by path.
func (l leaf) compare(other leaf) int {
	return cmp.Or(
		strings.Compare(l.natural(), other.natural()),
		cmp.Compare(len(l.path), len(other.path)),
		slices.Compare(l.path, other.path),
	)
}

func appendLeaves(leaves []leaf, path []string, object json.RawMessage) []leaf {
	last := make(map[string]json.RawMessage)
	maps.Insert(last, members(object))
	for name, value := range last {
		way := append(slices.Clip(path), name)
		if value[0] == '{' && len(way) < maxDepth {
			leaves = appendLeaves(leaves, way, value)
			continue
		}
		leaves = append(leaves, leaf{path: way, value: value})
	}
	return leaves
}

// name gives every leaf a name of its own; the leaves are in order.
func name(leaves []leaf) []Field {
	taken := make(map[string]bool, len(leaves))
	for _, l := range leaves {
		taken[l.natural()] = true
	}
	fields := make([]Field, 0, len(leaves))
	previous := ""
	for i, l := range leaves {
		unique := l.natural()
		if i > 0 && unique == previous {
			unique = free(unique, taken)
		}
		previous = l.natural()
		fields = append(fields, Field{Name: unique, Value: cellText(l.value)})
	}
	slices.SortFunc(fields, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
	return fields
}

// free appends the first number that makes name one that is not taken, and takes it.
func free(name string, taken map[string]bool) string {
	for n := 2; ; n++ {
		if candidate := fmt.Sprintf("%s_%d", name, n); !taken[candidate] {
			taken[candidate] = true
			return candidate
		}
	}
}
