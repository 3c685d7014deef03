package cli

import (
	"github.com/claygate/claygate/internal/app"
)

// lookupKind says which Enterprise endpoint is asked.
type lookupKind string

const (
	lookupPerson  lookupKind = "person"
	lookupCompany lookupKind = "company"
)

// pushed reports whether results come by themselves, by a table's column. Else they are asked for.
func (l *load) pushed() bool { return !l.flags.routine.asked() && l.flags.lookup == "" }

// target is what the rows go to, and how the Public API is reached where they go to a routine.
func (e *local) target() (app.Target, map[string]app.PublicAPI, error) {
	switch {
	case e.flags.routine.asked():
		t, api, err := e.flags.routineTarget(e.streams)
		return t, map[string]app.PublicAPI{"main": api}, err
	case e.flags.lookup != "":
		t, err := e.flags.lookupTarget(e.streams)
		return t, nil, err
	}
	t, err := e.flags.table(e.streams)
	return t, nil, err
}

// lookupTarget is an Enterprise endpoint as a target.
func (f *loadFlags) lookupTarget(s Streams) (app.Target, error) {
	t := app.Target{Name: f.target, Lookup: &app.Lookup{Kind: "person", BaseURL: clayURL(s)}}
	if f.lookup == lookupCompany {
		t.Lookup.Kind = "company"
	}
	if !f.emulate {
		t.Lookup.Key, _ = enterpriseKey(s)
	}
	return t, nil
}
