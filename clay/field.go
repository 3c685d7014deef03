package clay

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// field is one that encoding/json would decode an object's member into.
type field struct {
	name string
	is   reflect.Type
	// quoted is the tag's option "string" on a number or boolean: the value comes as text.
	quoted bool
	depth  int
}

// fieldCache holds the fields of each struct type that was ever decoded, as encoding/json
// does: a program has few, and finding them costs more than reading a callback.
var fieldCache sync.Map // of reflect.Type to []field

// fieldFor is the field of a struct that has this name: the one that has it exactly, else in
// another case; of several the shallowest. For a map it is the element, without a name.
func fieldFor(t reflect.Type, name string) (field, bool) {
	if t.Kind() == reflect.Map {
		return field{is: t.Elem()}, true
	}
	known, ok := fieldCache.Load(t)
	if !ok {
		known, _ = fieldCache.LoadOrStore(t, fieldsOf(t))
	}
	fields := known.([]field)
	i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
	if i < 0 {
		i = slices.IndexFunc(fields, func(f field) bool { return strings.EqualFold(f.name, name) })
	}
	if i < 0 {
		return field{}, false
	}
	return fields[i], true
}

// fieldsOf lists the fields of a struct, the shallowest first.
func fieldsOf(t reflect.Type) []field {
	var list []field
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || f.Tag.Get("json") == "-" || f.Anonymous && name == "" && isStruct(f.Type) {
			continue
		}
		list = append(list, field{cmp.Or(name, f.Name), f.Type, options == "string" && quotable(f.Type), len(f.Index)})
	}
	slices.SortStableFunc(list, func(a, b field) int { return cmp.Compare(a.depth, b.depth) })
	return list
}

// quotable tells what the option "string" applies to. Strings are left out: for them
// it asks for text within text, which no column sends.
func quotable(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	_, number := numeric(t.Kind())
	return number || t.Kind() == reflect.Bool
}

func isStruct(t reflect.Type) bool {
	return t.Kind() == reflect.Struct || t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct
}
