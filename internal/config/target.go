package config

import "strings"

// Kind is a kind of target.
type Kind string

// The kinds.
const (
	KindTable   Kind = "table"
	KindRoutine Kind = "routine"
	KindLookup  Kind = "lookup"
)

// Target is one table, routine or lookup, with the workspace it belongs to.
type Target struct {
	Workspace string
	Name      string
	Kind      Kind
	Table     Table   // of KindTable
	Routine   Routine // of KindRoutine
	Lookup    Lookup  // of KindLookup
}

// Address names the target in full: workspace/name.
func (t Target) Address() string { return t.Workspace + "/" + t.Name }

// Short names the target by its bare name in [DefaultWorkspace] and in full elsewhere. It stays the same when workspaces
// come and go, so it is the name to store.
func (t Target) Short() string {
	if t.Workspace == DefaultWorkspace {
		return t.Name
	}
	return t.Address()
}

// Targets returns all targets, by workspace and then by name.
func (c Config) Targets() []Target {
	var all []Target
	for _, workspace := range names(c.Workspaces) {
		w := c.Workspaces[workspace]
		of := map[string]Target{}
		for name, t := range w.Tables {
			of[name] = Target{Workspace: workspace, Name: name, Kind: KindTable, Table: t}
		}
		for name, r := range w.Routines {
			of[name] = Target{Workspace: workspace, Name: name, Kind: KindRoutine, Routine: r}
		}
		for name, l := range w.Lookups {
			of[name] = Target{Workspace: workspace, Name: name, Kind: KindLookup, Lookup: l}
		}
		for _, name := range names(of) {
			all = append(all, of[name])
		}
	}
	return all
}

// Find returns the target with an address: workspace/name, or the bare name when there is one workspace. When there are
// several, a bare name is one of [DefaultWorkspace], so that callback URLs and scripts go on working when a second
// workspace comes.
func (c Config) Find(address string) (Target, bool) {
	workspace, name, full := strings.Cut(address, "/")
	if !full {
		workspace, name = DefaultWorkspace, address
		if len(c.Workspaces) == 1 {
			workspace = names(c.Workspaces)[0]
		}
	}
	w := c.Workspaces[workspace]
	if t, ok := w.Tables[name]; ok {
		return Target{Workspace: workspace, Name: name, Kind: KindTable, Table: t}, true
	}
	if r, ok := w.Routines[name]; ok {
		return Target{Workspace: workspace, Name: name, Kind: KindRoutine, Routine: r}, true
	}
	if l, ok := w.Lookups[name]; ok {
		return Target{Workspace: workspace, Name: name, Kind: KindLookup, Lookup: l}, true
	}
	return Target{}, false
}
