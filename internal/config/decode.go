package config

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// decoder fills a [Config] from its sources and collects every mistake on the way. It knows where each value came from,
// so that the checks afterwards can say so too.
type decoder struct {
	source   Source
	file     string           // the one that is being read
	defaults *yaml.Node       // of all workspaces; nil for none
	beneath  bool             // these are being put beneath a workspace
	spaces   bool             // the secret that is being read may have spaces in it
	places   map[string]place // of every value that was given, by its path
	refused  map[string]bool  // paths whose value has a mistake
	within   map[string]bool  // paths around those
	problems Problems
	warnings Problems

	workspaces int                  // that there are
	shared     map[Problem][]string // those in which what the defaults say is a problem
}

// place is where a value was given: a line of the file, or a variable or flag.
type place struct {
	file     string
	line     int
	defaults bool // it is the defaults' value of a workspace
	origin   string
}

// here is a place in what is being read.
func (d *decoder) here(line int) place { return place{file: d.file, line: line, defaults: d.beneath} }

// refuse reports a mistake at a path. A path that was not given stands where the nearest one around it does.
func (d *decoder) refuse(path, message, hint string) {
	d.mark(path)
	d.problems = append(d.problems, d.problem(path, message, hint))
}

// mark keeps the checks from finding fault again with what has a mistake already.
func (d *decoder) mark(path string) {
	d.refused[path] = true
	for around := path; around != ""; {
		around = parent(around)
		d.within[around] = true
	}
}

// warn reports what works but is probably not meant.
func (d *decoder) warn(path, message, hint string) {
	d.warnings = append(d.warnings, d.problem(path, message, hint))
}

func (d *decoder) problem(path, message, hint string) Problem {
	for around := path; ; around = parent(around) {
		at, given := d.places[around]
		switch {
		case given && at.defaults && around != path: // what is missing is the workspace's to say
		case given && at.origin != "":
			return Problem{Key: at.origin, Message: message, Hint: hint}
		case given:
			p := Problem{File: at.file, Line: at.line, Key: d.local(path, at), Message: message, Hint: hint}
			if at.defaults {
				d.share(p, path)
			}
			return p
		case around == "":
			return Problem{File: d.source.Path, Key: path, Message: message, Hint: hint}
		}
	}
}

// given reports whether a value stands at the path, right or wrong.
func (d *decoder) given(path string) bool {
	_, ok := d.places[path]
	return ok
}

// sound reports whether no mistake was found at the path or below it.
func (d *decoder) sound(path string) bool { return !d.refused[path] && !d.within[path] }

func parent(path string) string { return path[:max(strings.LastIndexAny(path, ".["), 0)] }

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// decode sets a value from a node of the tree.
func (d *decoder) decode(path string, node *yaml.Node, to reflect.Value) {
	if _, again := d.places[path]; !again {
		d.places[path] = d.here(node.Line)
	}
	switch {
	case node.Kind == yaml.AliasNode || node.Anchor != "":
		d.refuse(path, "anchors (&) and aliases (*) are not supported",
			"write the value out, and put a text that begins with one of these into quotes")
	case node.Style&yaml.TaggedStyle != 0:
		d.refuse(path, "tags (!) are not supported", "leave the tag out, and put a text that begins with ! into quotes")
	case node.ShortTag() == "!!null" && to.Type() != secretType:
		d.refuse(path, "has no value", "leave the key out for its default")
	case isScalar(to):
		d.scalar(path, node, to)
	case to.Type() == fieldsType && node.Kind == yaml.ScalarNode:
		d.fields(path, []*yaml.Node{node}, to)
	case to.Type() == fieldsType && d.expect(path, node, yaml.SequenceNode):
		d.fields(path, node.Content, to)
	case (to.Type() == inputsType || to.Type() == headersType) && d.expect(path, node, yaml.MappingNode):
		d.inputs(path, node, to)
	case to.Kind() == reflect.Struct && d.expect(path, node, yaml.MappingNode):
		d.object(path, node, to)
	case to.Kind() == reflect.Map && to.Type() != inputsType && to.Type() != headersType && d.expect(path, node, yaml.MappingNode):
		d.named(path, node, to)
	case to.Kind() == reflect.Slice && to.Type() != fieldsType && d.expect(path, node, yaml.SequenceNode):
		d.list(path, node, to)
	}
}

// expect refuses a node of another kind. What it holds is not shown: it may be a secret in the wrong place.
func (d *decoder) expect(path string, node *yaml.Node, kind yaml.Kind) bool {
	if node.Kind == kind {
		return true
	}
	hint := "write it as key: value, indented below"
	if kind == yaml.SequenceNode {
		hint = "begin each entry with -, or put all into [ ]"
	}
	d.refuse(path, fmt.Sprintf("is %s where %s is expected", describe(node), describe(&yaml.Node{Kind: kind})), hint)
	return false
}

// object decodes the known keys of a struct.
func (d *decoder) object(path string, node *yaml.Node, to reflect.Value) {
	keys := keysOf(to.Type())
	d.entries(path, node, func(key, value *yaml.Node) {
		i, known := keys[key.Value]
		if !known {
			d.unknown(path, key, to.Type())
			return
		}
		d.places[join(path, key.Value)] = d.here(key.Line)
		d.decode(join(path, key.Value), value, to.Field(i))
	})
}

// nameForm is what workspaces and targets may be called: the names stand in URLs and in the ledger.
var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

// named decodes a map whose keys are names that the user chose.
func (d *decoder) named(path string, node *yaml.Node, to reflect.Value) {
	d.open(to)
	d.entries(path, node, func(key, value *yaml.Node) {
		name := key.Value
		if !nameForm.MatchString(name) {
			d.misnamed(path, key)
			name = "?"
		}
		element := reflect.New(to.Type().Elem())
		setDefaults(element)
		if beneath := to.MapIndex(reflect.ValueOf(name)); beneath.IsValid() {
			element.Elem().Set(beneath)
		}
		d.places[join(path, name)] = d.here(key.Line)
		if path == workspaces {
			d.putBeneath(join(path, name), element.Elem())
		}
		d.decode(join(path, name), value, element.Elem())
		to.SetMapIndex(reflect.ValueOf(name), element.Elem())
	})
}

// open makes a map, unless there is one: that of the defaults, which grows.
func (d *decoder) open(m reflect.Value) {
	if m.IsNil() {
		m.Set(reflect.MakeMap(m.Type()))
	}
}

// inputs decodes the inputs of a routine, or whatever else has names that are neither ours nor the user's.
func (d *decoder) inputs(path string, node *yaml.Node, to reflect.Value) {
	d.open(to)
	d.entries(path, node, func(key, value *yaml.Node) {
		field := reflect.New(to.Type().Elem()).Elem()
		d.places[join(path, key.Value)] = d.here(key.Line)
		d.decode(join(path, key.Value), value, field)
		to.SetMapIndex(reflect.ValueOf(key.Value), field)
	})
}

func (d *decoder) misnamed(path string, key *yaml.Node) {
	hint := "a name has lower-case letters, digits, - and _, at most 64, and begins with a letter or digit"
	if better := strings.ToLower(key.Value); nameForm.MatchString(better) && speakable(better) {
		hint += "; did you mean " + better + "?"
	}
	d.refuseAt(path, key.Line, spoken(key.Value)+" is not a name", hint)
}

// entries calls take for each key of a mapping that is a plain text and stands there for the first time.
func (d *decoder) entries(path string, node *yaml.Node, take func(key, value *yaml.Node)) {
	lines := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		first, again := lines[key.Value]
		switch {
		case key.ShortTag() == "!!merge":
			d.refuseAt(path, key.Line, "merge keys (<<) are not supported", "write the keys out")
		case key.Kind != yaml.ScalarNode || key.Anchor != "" || key.Style&yaml.TaggedStyle != 0:
			d.refuseAt(path, key.Line, "a key here is not plain text", "a key is a word, followed by a colon")
		case again:
			d.refuseAt(path, key.Line, fmt.Sprintf("%s stands here twice, first on line %d", spoken(key.Value), first), "leave one of them out")
		default:
			lines[key.Value] = key.Line
			take(key, value)
		}
	}
}

// refuseAt reports a mistake that has a line of its own but no value.
func (d *decoder) refuseAt(path string, line int, message, hint string) {
	d.mark(join(path, "?"))
	d.problems = append(d.problems, Problem{File: d.file, Line: line, Key: d.local(path, d.here(line)), Message: message, Hint: hint})
}

// list decodes a list of structs. It stands in place of the defaults'.
func (d *decoder) list(path string, node *yaml.Node, to reflect.Value) {
	d.forget(path, to)
	for i, item := range node.Content {
		element := reflect.New(to.Type().Elem())
		setDefaults(element)
		d.decode(fmt.Sprintf("%s[%d]", path, i), item, element.Elem())
		to.Set(reflect.Append(to, element.Elem()))
	}
}

func setDefaults(v reflect.Value) {
	if part, ok := v.Interface().(defaulter); ok {
		part.setDefaults()
	}
}

// keysOf returns the index of the field for each key of a struct.
func keysOf(t reflect.Type) map[string]int {
	keys := map[string]int{}
	for i := range t.NumField() {
		if key := t.Field(i).Tag.Get("yaml"); key != "" {
			keys[key] = i
		}
	}
	return keys
}

// describe names what stands in the file.
func describe(node *yaml.Node) string {
	switch {
	case node.Kind == yaml.MappingNode:
		return "a map"
	case node.Kind == yaml.SequenceNode:
		return "a list"
	}
	switch node.ShortTag() {
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "true or false"
	case "!!timestamp":
		return "a date"
	}
	return "text"
}
