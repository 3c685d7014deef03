package api_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// object is a JSON object, of the document or checked against it.
type object = map[string]any

// document reads openapi.json.
var document = sync.OnceValue(func() object {
	text, err := os.ReadFile("openapi.json")
	if err != nil {
		panic(err)
	}
	var doc object
	if err := json.Unmarshal(text, &doc); err != nil {
		panic(err)
	}
	return doc
})

// follow returns what a $ref leads to.
func follow(doc, node object) object {
	ref, ok := node["$ref"].(string)
	if !ok {
		return node
	}
	found := doc
	for _, step := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
		found, _ = found[step].(object)
	}
	if found == nil {
		panic("the document has no " + ref)
	}
	return found
}

// keywords are those that [conforms] understands: a schema with any other would pass unread.
var keywords = []string{
	"$ref", "type", "properties", "required", "additionalProperties", "items", "oneOf", "enum", "format", "pattern",
	"minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "description", "default", "example",
}

// conforms checks a value against a schema of JSON Schema 2020-12, as far as the document uses it.
func conforms(schema object, value any, at string) error {
	schema = follow(document(), schema)
	for keyword := range schema {
		if !slices.Contains(keywords, keyword) {
			return fmt.Errorf("the document's keyword %q is not understood", keyword)
		}
	}
	if all, ok := schema["oneOf"].([]any); ok {
		return oneOf(all, value, at)
	}
	if !typed(schema["type"], value) {
		return fmt.Errorf("%s is %T, not %v", at, value, schema["type"])
	}
	if enum, ok := schema["enum"].([]any); ok && !slices.Contains(enum, value) {
		return fmt.Errorf("%s is %v, not of %v", at, value, enum)
	}
	switch value := value.(type) {
	case string:
		return conformsText(schema, value, at)
	case float64:
		if least, ok := schema["minimum"].(float64); ok && value < least {
			return fmt.Errorf("%s is less than %v", at, least)
		}
		if most, ok := schema["maximum"].(float64); ok && value > most {
			return fmt.Errorf("%s is more than %v", at, most)
		}
	case []any:
		return conformsArray(schema, value, at)
	case object:
		return conformsObject(schema, value, at)
	}
	return nil
}

func oneOf(all []any, value any, at string) error {
	var errs []error
	for _, one := range all {
		if err := conforms(one.(object), value, at); err != nil {
			errs = append(errs, err)
		}
	}
	if len(all)-len(errs) != 1 {
		return fmt.Errorf("%s fits %d schemas of %d: %v", at, len(all)-len(errs), len(all), errs)
	}
	return nil
}

func typed(want, value any) bool {
	switch want := want.(type) {
	case nil:
		return true
	case []any:
		return slices.ContainsFunc(want, func(one any) bool { return typed(one, value) })
	}
	switch value := value.(type) {
	case nil:
		return want == "null"
	case bool:
		return want == "boolean"
	case string:
		return want == "string"
	case float64:
		return want == "number" || want == "integer" && value == math.Trunc(value)
	case []any:
		return want == "array"
	}
	return want == "object"
}

func conformsText(schema object, text, at string) error {
	if pattern, ok := schema["pattern"].(string); ok && !regexp.MustCompile(pattern).MatchString(text) {
		return fmt.Errorf("%s %q does not match %s", at, text, pattern)
	}
	if schema["format"] == "date-time" {
		if _, err := time.Parse(time.RFC3339Nano, text); err != nil || !strings.HasSuffix(text, "Z") {
			return fmt.Errorf("%s %q is not a time in UTC", at, text)
		}
	}
	if most, ok := schema["maxLength"].(float64); ok && len(text) > int(most) {
		return fmt.Errorf("%s is longer than %v", at, most)
	}
	if least, ok := schema["minLength"].(float64); ok && len(text) < int(least) {
		return fmt.Errorf("%s is shorter than %v", at, least)
	}
	return nil
}

func conformsArray(schema object, values []any, at string) error {
	if most, ok := schema["maxItems"].(float64); ok && len(values) > int(most) {
		return fmt.Errorf("%s is longer than %v", at, most)
	}
	if least, ok := schema["minItems"].(float64); ok && len(values) < int(least) {
		return fmt.Errorf("%s is shorter than %v", at, least)
	}
	for i, value := range values {
		if err := conforms(schema["items"].(object), value, fmt.Sprintf("%s[%d]", at, i)); err != nil {
			return err
		}
	}
	return nil
}

func conformsObject(schema, value object, at string) error {
	properties, _ := schema["properties"].(object)
	required, _ := schema["required"].([]any)
	for _, name := range required {
		if _, ok := value[name.(string)]; !ok {
			return fmt.Errorf("%s lacks %q", at, name)
		}
	}
	for name, member := range value {
		of, ok := properties[name].(object)
		switch {
		case ok:
		case schema["additionalProperties"] == false:
			return fmt.Errorf("%s has %q, which the document does not know", at, name)
		default:
			if of, ok = schema["additionalProperties"].(object); !ok {
				continue
			}
		}
		if err := conforms(of, member, at+"."+name); err != nil {
			return err
		}
	}
	return nil
}
