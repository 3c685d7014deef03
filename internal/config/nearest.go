package config

import (
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// later are keys of the design that this version does not know. They must not be mistaken for slips.
var later = []string{"on_5xx"}

// unknown reports a key that is not known here, and says what was probably meant.
func (d *decoder) unknown(path string, key *yaml.Node, here reflect.Type) {
	name, known := key.Value, keyNames(here)
	if slices.Contains(later, name) {
		d.refuseAt(path, key.Line, name+": is not supported by this version", "leave it out")
		return
	}
	hint := "known here: " + strings.Join(known, ", ")
	if near := nearest(name, known); near != "" {
		hint = "did you mean " + near + "?"
		d.mark(join(path, near)) // which is then not missing as well
	} else if owner := owner(name, reflect.TypeFor[Config](), ""); owner != "" {
		hint = "it belongs into " + d.owner(owner)
	}
	d.refuseAt(path, key.Line, "unknown key "+spoken(name), hint)
}

// top is where the keys of [Config] belong.
const top = "the top of the file"

// owner names a part as it is found from the file that is being read.
func (d *decoder) owner(part string) string {
	switch {
	case d.file == d.source.Path:
		return part
	case part == top:
		return d.source.Path
	}
	return strings.TrimPrefix(part, workspaces+".NAME.")
}

// owner returns the path of the part that has a key, with NAME for what users name; "" for none.
func owner(key string, t reflect.Type, path string) string {
	switch t.Kind() {
	case reflect.Map:
		return owner(key, t.Elem(), path+".NAME")
	case reflect.Slice:
		return owner(key, t.Elem(), path+"[]")
	case reflect.Struct:
		keys := keysOf(t)
		if _, ok := keys[key]; ok {
			if path == "" {
				return top
			}
			return path
		}
		for _, name := range keyNames(t) {
			if found := owner(key, t.Field(keys[name]).Type, join(path, name)); found != "" {
				return found
			}
		}
	}
	return ""
}

// keyNames returns the keys of a struct, in their order.
func keyNames(t reflect.Type) []string {
	var all []string
	for i := range t.NumField() {
		if key := t.Field(i).Tag.Get("yaml"); key != "" {
			all = append(all, key)
		}
	}
	return all
}

// nearest returns the candidate that a text was probably meant to be, "" for none. Capitals, - and _ make no difference;
// beyond that one slip in three letters is forgiven, and a
// longer ending.
func nearest(text string, candidates []string) string {
	if len(text) > 64 {
		return ""
	}
	best, least := "", len(text)
	for _, c := range candidates {
		a, b := folded(text), folded(c)
		n := distance(a, b)
		slip := n <= max(1, max(len(a), len(b))/3) || (len(b) > 3 && strings.HasPrefix(a, b))
		if slip && n < least {
			best, least = c, n
		}
	}
	return best
}

func folded(s string) string {
	return strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(s))
}

// distance counts the letters to add, drop, change or swap with their neighbour to get from a to b.
func distance(a, b string) int {
	before, last := []int(nil), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := last[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(change, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}

var wordsForm = regexp.MustCompile(`^[a-z_-]{1,64}$`)

// speakable reports whether a piece of the file may be repeated in a message: words, and what is short. A key or token
// of Clay is longer and has digits, a webhook's URL is longer still: whatever stands in the wrong place, no secret is
// printed.
func speakable(s string) bool {
	short := len(s) <= 24 && !strings.Contains(s, "//") && !strings.ContainsFunc(s, control)
	return short || wordsForm.MatchString(s)
}

// shown quotes a value, if it may be repeated.
func shown(s string) string {
	if !speakable(s) {
		return "the value"
	}
	return strconv.Quote(s)
}

// spoken quotes a key, if it may be repeated.
func spoken(s string) string {
	if !speakable(s) {
		return "(not shown here)"
	}
	return strconv.Quote(s)
}
