// Package routine asks Clay which routines there are, what they take and what they are said to cost. The documented API
// cannot tell. This is what Clay's own command line asks, with the same key; Clay does not document it and may change it
// any day (docs/clay.md). So nothing may depend on it: everything works without.
package routine

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strings"
)

// Routine is what Clay says of one.
type Routine struct {
	// ID is what runs it: function:t_… or workflow:….
	ID string `json:"id"`
	// Name and Description are people's.
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	// Source is "managed" for Clay's own functions, "custom" for the workspace's; "" when Clay does not say.
	Source string `json:"source,omitempty"`
	// Inputs are what it takes, those that it needs first. Nil when Clay does not say.
	Inputs []Input `json:"inputs,omitempty"`
	// Price is what an item is said to cost.
	Price Price `json:"price"`
}

// Input is one thing that a routine takes.
type Input struct {
	Name        string `json:"name"`
	Type        string `json:"type,omitempty"`
	Description string `json:"description,omitempty"`
	Required    bool   `json:"required"`
}

// Price is an estimate for one item. It is neither a charge nor a bound.
type Price struct {
	Credits *float64 `json:"credits,omitempty"` // nil when it is not known, which does not mean free
	Actions *float64 `json:"actions,omitempty"` // likewise
	Varies  bool     `json:"varies,omitempty"`  // it depends on the item
}

// wire is a routine as Clay writes it.
type wire struct {
	ID, Name, Description, Source string
	InputSchema                   json.RawMessage
	EstimatedCreditCost           struct {
		PerRun, ActionExecution *float64
		ContainsVariablePricing bool
	}
}

func (w wire) routine() Routine {
	return Routine{
		ID: w.ID, Name: w.Name, Description: w.Description, Source: w.Source, Inputs: inputs(w.InputSchema),
		Price: Price{
			Credits: w.EstimatedCreditCost.PerRun, Actions: w.EstimatedCreditCost.ActionExecution,
			Varies: w.EstimatedCreditCost.ContainsVariablePricing,
		},
	}
}

// inputs reads a JSON Schema of an object, or its properties alone. What it cannot read is not known.
func inputs(schema json.RawMessage) []Input {
	var s struct {
		Properties json.RawMessage
		Required   json.RawMessage
	}
	if json.Unmarshal(schema, &s) != nil {
		return nil
	}
	properties := schema
	if len(s.Properties) > 0 {
		properties = s.Properties
	}
	var needed []string
	_ = json.Unmarshal(s.Required, &needed) // absent, or of another kind
	var all []Input
	for name, value := range members(properties) {
		var p struct {
			Type, Description json.RawMessage
			Required          json.RawMessage
		}
		if json.Unmarshal(value, &p) != nil {
			continue // not the description of an input
		}
		all = append(all, Input{
			Name: name, Type: text(p.Type), Description: text(p.Description),
			Required: slices.Contains(needed, name) || string(p.Required) == "true",
		})
	}
	slices.SortFunc(all, func(a, b Input) int {
		if a.Required != b.Required {
			return cmp.Compare(rank(a), rank(b))
		}
		return strings.Compare(a.Name, b.Name)
	})
	return all
}

func rank(in Input) int {
	if in.Required {
		return 0
	}
	return 1
}

func members(object json.RawMessage) (all map[string]json.RawMessage) {
	_ = json.Unmarshal(object, &all) // nil when it is none
	return all
}

// text is a JSON string's content; "" for anything else.
func text(value json.RawMessage) (s string) {
	if bytes.HasPrefix(value, []byte(`"`)) {
		_ = json.Unmarshal(value, &s)
	}
	return s
}
