package claytest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
)

// Mistake is something that people get wrong in the HTTP API column
// (docs/clay.md, "The HTTP API column").
type Mistake string

// The mistakes.
const (
	TypedID       Mistake = "typed-id"       // the id's chip is typed as text, and sent as it stands
	TypedFields   Mistake = "typed-fields"   // the other fields' chips are
	ObjectID      Mistake = "object-id"      // the id arrives as [object Object]
	MissingID     Mistake = "missing-id"     // the body has no id
	EmptyID       Mistake = "empty-id"       // the id's chip is of an empty column
	WrongHeader   Mistake = "wrong-header"   // every header that was set has another value
	RequiredInput Mistake = "required-input" // an input that is always empty is required: nothing is sent
	FalseOnlyIf   Mistake = "false-only-if"  // the run condition never holds: nothing is sent
)

// Mistakes lists all of them.
func Mistakes() []Mistake {
	return []Mistake{TypedID, TypedFields, ObjectID, MissingID, EmptyID, WrongHeader, RequiredInput, FalseOnlyIf}
}

// Botched returns the column as somebody has set it up who made the mistake. Its
// Body, if any, is replaced where the mistake is in the body. The error is for a
// mistake that is none.
func (c Column) Botched(m Mistake) (Column, error) {
	c = c.withDefaults()
	body := func(id, field func(name string) string) {
		c.Body = "{"
		if id != nil {
			c.Body += encode(c.IDField) + ":" + id(c.IDField) + ","
		}
		for i, name := range c.Fields {
			if i > 0 {
				c.Body += ","
			}
			c.Body += encode(name) + ":" + field(name)
		}
		c.Body += "}"
	}
	chip := func(name string) string { return "{{" + name + "}}" }
	typed := func(name string) string { return encode("/" + name) }
	switch m {
	case TypedID:
		body(typed, chip)
	case TypedFields:
		body(chip, typed)
	case ObjectID:
		body(func(string) string { return `"[object Object]"` }, chip)
	case MissingID:
		body(nil, chip)
	case EmptyID:
		body(func(string) string { return "null" }, chip)
	case WrongHeader:
		c.Header = maps.Clone(c.Header)
		for _, name := range slices.Collect(maps.Keys(c.Header)) {
			c.Header[name] = []string{"wrong"}
		}
		if len(c.Header) == 0 {
			c.Header = http.Header{"X-Wrong": {"wrong"}}
		}
	case RequiredInput:
		c.Required = []string{"a column that is always empty"}
	case FalseOnlyIf:
		c.OnlyIf = func(_, _ map[string]any) bool { return false }
	default:
		return c, fmt.Errorf("claytest: there is no mistake %q; there are %q", m, Mistakes())
	}
	return c, nil
}
