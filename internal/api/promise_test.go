package api_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// breaches lists what a document takes back of a former one: anything that is gone, has another type, is newly required
// of requests, or is no longer sure to be in answers. What is added breaks nobody.
func breaches(old, now any, at string) []string {
	step := at[strings.LastIndex(at, "/")+1:]
	switch step {
	case "description", "summary", "title", "version", "example", "tags", "x-scopes":
		return nil
	case "required", "type", "enum", "pattern", "minimum", "maximum", "maxLength", "minLength", "maxItems", "minItems":
		if !reflect.DeepEqual(old, now) && !(step == "enum" && contains(now, old)) {
			return []string{fmt.Sprintf("%s was %v and is %v", at, old, now)}
		}
		return nil
	}
	switch old := old.(type) {
	case object:
		next, ok := now.(object)
		if !ok {
			return []string{at + " is gone"}
		}
		var all []string
		for name, was := range old {
			all = append(all, breaches(was, next[name], at+"/"+name)...)
		}
		return all
	case []any:
		return breachesOfList(old, now, at)
	}
	if !reflect.DeepEqual(old, now) {
		return []string{fmt.Sprintf("%s was %v and is %v", at, old, now)}
	}
	return nil
}

// breachesOfList compares lists whose order says nothing: each former element must still be there, and no parameter may be
// newly required.
func breachesOfList(old []any, now any, at string) []string {
	next, ok := now.([]any)
	if !ok {
		return []string{at + " is gone"}
	}
	var all []string
	for i, was := range old {
		kept := false
		for _, is := range next {
			kept = kept || len(breaches(was, is, at+"/-")) == 0
		}
		if !kept {
			all = append(all, fmt.Sprintf("%s/%d is gone: %v", at, i, was))
		}
	}
	for _, is := range next {
		if parameter, ok := is.(object); ok && parameter["required"] == true && !contains(old, []any{is}) && strings.HasSuffix(at, "parameters") {
			all = append(all, fmt.Sprintf("%s requires %v, which it did not", at, parameter["name"]))
		}
	}
	return all
}

// contains reports whether every element of one list is in another.
func contains(list, elements any) bool {
	all, _ := list.([]any)
	some, ok := elements.([]any)
	for _, element := range some {
		found := false
		for _, one := range all {
			found = found || reflect.DeepEqual(one, element)
		}
		ok = ok && found
	}
	return ok
}

// TestPromisesBite proves that a breaking change is found, and that an addition is none.
func TestPromisesBite(t *testing.T) {
	tests := map[string]struct {
		from, to string
		breaks   bool
	}{
		"a path is gone":             {`"/v1/stop": `, `"/v1/halt": `, true},
		"a method is gone":           {`"delete": {`, `"put": {`, true},
		"a member is renamed":        {`"may_duplicate": {"type": "boolean"}`, `"twice": {"type": "boolean"}`, true},
		"a member has another type":  {`"cached": {"type": "boolean"`, `"cached": {"type": "string"`, true},
		"a parameter is gone":        {`"name": "cursor"`, `"name": "page"`, true},
		"a member is newly required": {`"required": ["arrived"]`, `"required": ["arrived", "reason"]`, true},
		"a status is gone":           {`"409": {`, `"418": {`, true},
		"a limit is lower":           {`"maximum": 500`, `"maximum": 100`, true},
		"a value is gone":            {`"enum": ["table", "routine", "lookup", "unknown"]`, `"enum": ["table", "routine", "unknown"]`, true},
		"a value is added":           {`"enum": ["table", "routine", "lookup", "unknown"]`, `"enum": ["table", "routine", "lookup", "unknown", "list"]`, false},
		"a member is added":          {`"cached": {`, `"costs": {"type": "integer"}, "cached": {`, false},
		"other words":                {`Stop all sending`, `Halt all sending`, false},
	}
	text, err := json.Marshal(document())
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			// As it is written in the file, without what Marshal changes.
			from, to := strings.ReplaceAll(strings.ReplaceAll(tt.from, `": `, `":`), `, "`, `,"`), strings.ReplaceAll(strings.ReplaceAll(tt.to, `": `, `":`), `, "`, `,"`)
			if !strings.Contains(string(text), from) {
				t.Fatalf("the document does not hold %s", from)
			}
			var changed object
			if err := json.Unmarshal([]byte(strings.Replace(string(text), from, to, 1)), &changed); err != nil {
				t.Fatal(err)
			}
			if got := breaches(document(), changed, ""); len(got) > 0 != tt.breaks {
				t.Errorf("breaches: %q", got)
			}
		})
	}
}
