package api

import (
	"encoding/json"
	"html/template"
	"strings"

	"github.com/claygate/claygate/internal/intake"
)

// ordered is an object whose members stay in the order in which somebody wrote them.
type ordered[T any] []named[T]

type named[T any] struct {
	Name string
	Is   T
}

// UnmarshalJSON implements json.Unmarshaler.
func (o *ordered[T]) UnmarshalJSON(text []byte) error {
	members, err := intake.Members(text)
	if err != nil {
		return err
	}
	for _, m := range members {
		n := named[T]{Name: m.Name}
		if err := json.Unmarshal(m.Value, &n.Is); err != nil {
			return err
		}
		*o = append(*o, n)
	}
	return nil
}

// openAPI is as much of the document as the page for people shows.
type openAPI struct {
	Info       struct{ Title, Version, Summary, Description string }
	Tags       []struct{ Name, Description string }
	Paths      ordered[ordered[operation]] // by path and method
	Components struct {
		Schemas    ordered[schema]
		Parameters map[string]parameter
		Responses  map[string]response
	}
	Problems []problemKind
}

type operation struct {
	OperationID, Summary, Description string
	Tags                              []string
	Scopes                            []string `json:"x-scopes"`
	Parameters                        []parameter
	RequestBody                       struct {
		Content ordered[struct {
			Schema  schema
			Example any
		}]
	}
	Responses ordered[response]
}

type parameter struct {
	Ref                   string `json:"$ref"`
	Name, In, Description string
}

type response struct {
	Ref         string `json:"$ref"`
	Description string
	Content     ordered[struct{ Schema schema }]
}

type schema struct {
	Ref         string `json:"$ref"`
	Type        any
	Description string
	Properties  ordered[schema]
	Enum        []string
	OneOf       []schema
	Items       *schema
}

// Shapes returns the objects that the schema allows.
func (s schema) Shapes() []schema {
	if len(s.OneOf) > 0 {
		return s.OneOf
	}
	return []schema{s}
}

// problemKind is a row of the table of problems.
type problemKind struct {
	Kind, Title, Hint string
	Status            int
}

// Parameter follows a parameter's reference, if it is one.
func (d openAPI) Parameter(p parameter) parameter {
	if name, ok := strings.CutPrefix(p.Ref, "#/components/parameters/"); ok {
		return d.Components.Parameters[name]
	}
	return p
}

// Response follows a response's reference, if it is one.
func (d openAPI) Response(r response) response {
	if name, ok := strings.CutPrefix(r.Ref, "#/components/responses/"); ok {
		return d.Components.Responses[name]
	}
	return r
}

// Show returns an example as people read it.
func (d openAPI) Show(example any) string {
	if text, ok := example.(string); ok {
		return text
	}
	text, _ := json.MarshalIndent(example, "", "  ") // it was JSON before
	return string(text)
}

// Schema says in a few words what a schema allows.
func (d openAPI) Schema(s schema) template.HTML {
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		name = template.HTMLEscapeString(name)
		return template.HTML(`<a href="#object-` + name + `">` + name + `</a>`)
	}
	switch {
	case len(s.OneOf) > 0:
		var all []string
		for _, one := range s.OneOf {
			all = append(all, string(d.Schema(one)))
		}
		return template.HTML(strings.Join(all, " or "))
	case len(s.Enum) > 0:
		return template.HTML("<code>" + template.HTMLEscapeString(strings.Join(s.Enum, " ")) + "</code>")
	case s.Items != nil:
		return "array of " + d.Schema(*s.Items)
	}
	return template.HTML(template.HTMLEscapeString(typeName(s.Type)))
}

// typeName returns a schema's type as people say it: "string", "object or null".
func typeName(t any) string {
	switch t := t.(type) {
	case string:
		return t
	case []any:
		var names []string
		for _, one := range t {
			names = append(names, typeName(one))
		}
		return strings.Join(names, " or ")
	}
	return ""
}
