package clay

import (
	"reflect"
	"strings"
)

// field is the type that encoding/json would decode an object's field into.
type field struct {
	is reflect.Type
	// quoted is the tag's option "string" on a number or boolean: the value comes as text.
	quoted bool
	depth  int
}

func fieldType(t reflect.Type, name string) (best field, found bool) {
	if t.Kind() == reflect.Map {
		return field{is: t.Elem()}, true
	}
	exact := false
	for _, f := range reflect.VisibleFields(t) {
		tag, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || f.Tag.Get("json") == "-" || f.Anonymous && tag == "" && isStruct(f.Type) {
			continue
		}
		if tag == "" {
			tag = f.Name
		}
		same := tag == name
		// Exact names win over folded ones, and among each the shallowest.
		if !same && (exact || !strings.EqualFold(tag, name)) || found && same == exact && len(f.Index) >= best.depth {
			continue
		}
		best = field{f.Type, options == "string" && quotable(f.Type), len(f.Index)}
		found, exact = true, same
	}
	return best, found
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
