package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFind(t *testing.T) {
	hooks := Table{Webhooks: []Webhook{{Start: 1}}}
	one := Config{Workspaces: map[string]Workspace{"acme": {Tables: map[string]Table{"people": hooks}, Lookups: map[string]Lookup{"person": {Kind: Person}}}}}
	two := Config{Workspaces: map[string]Workspace{"acme": one.Workspaces["acme"], "main": {Tables: map[string]Table{"people": {}}}}}
	three := Config{Workspaces: map[string]Workspace{"acme": one.Workspaces["acme"], "beta": two.Workspaces["main"]}}
	tests := map[string]struct {
		config        Config
		address, want string
	}{
		"bare, one workspace":      {one, "people", "acme/people table"},
		"full, one workspace":      {one, "acme/people", "acme/people table"},
		"a lookup":                 {one, "person", "acme/person lookup"},
		"unknown":                  {one, "firms", ""},
		"unknown workspace":        {one, "beta/people", ""},
		"bare is main's":           {two, "people", "main/people table"},
		"bare is never another's":  {two, "person", ""},
		"full, two workspaces":     {two, "acme/people", "acme/people table"},
		"bare, no main":            {three, "people", ""},
		"empty":                    {one, "", ""},
		"a slash":                  {one, "/", ""},
		"too much":                 {one, "acme/people/x", ""},
		"nothing is configured":    {Config{}, "people", ""},
		"case is a different name": {one, "People", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			found, ok := tt.config.Find(tt.address)
			got := ""
			if ok {
				got = found.Address() + " " + string(found.Kind)
			}
			if got != tt.want {
				t.Errorf("%q leads to %q, not %q", tt.address, got, tt.want)
			}
		})
	}
}

func TestTargetsAreInOrder(t *testing.T) {
	c := Config{Workspaces: map[string]Workspace{
		"b": {Tables: map[string]Table{"z": {}, "m": {}}, Lookups: map[string]Lookup{"n": {}}},
		"a": {Tables: map[string]Table{"x": {}}},
	}}
	for range 20 { // maps have another order each time
		var got []string
		for _, target := range c.Targets() {
			got = append(got, target.Address())
		}
		if diff := cmp.Diff([]string{"a/x", "b/m", "b/n", "b/z"}, got); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	}
}

// TestShortIsStable: the stored name does not depend on which other workspaces there are, and leads back to the target.
func TestShortIsStable(t *testing.T) {
	c := Config{Workspaces: map[string]Workspace{"main": {Tables: map[string]Table{"people": {}}}, "acme": {Tables: map[string]Table{"people": {}}}}}
	var got []string
	for _, target := range c.Targets() {
		found, ok := c.Find(target.Short())
		if !ok || found.Address() != target.Address() {
			t.Errorf("%s leads to %s", target.Short(), found.Address())
		}
		got = append(got, target.Short())
	}
	if diff := cmp.Diff([]string{"acme/people", "people"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
