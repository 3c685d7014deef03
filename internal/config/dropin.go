package config

import (
	"cmp"
	"slices"
)

// DropIn names the targets that answer clients of Clay's Enterprise endpoints, /v1/people/enrich and
// /v1/companies/enrich, in their place.
type DropIn struct {
	// People is the target of the same workspace that answers for people, by email. Default: the workspace's lookup of
	// kind person, where there is just one.
	People string `yaml:"people"`
	// Companies is the one that answers for companies, by domain. Default: the only lookup of kind company.
	Companies string `yaml:"companies"`
}

// checkDropIn fills in the lookups that answer where nothing is said, and refuses targets that cannot.
func (d *decoder) checkDropIn(path string, w *Workspace) {
	d.checkAnswering(path+".people", &w.DropIn.People, answering{w, Person})
	d.checkAnswering(path+".companies", &w.DropIn.Companies, answering{w, Company})
}

// answering is an endpoint and the workspace whose target answers it.
type answering struct {
	*Workspace
	kind LookupKind
}

func (d *decoder) checkAnswering(path string, name *string, a answering) {
	switch {
	case !d.sound(path):
		return
	case !d.given(path):
		*name = a.only()
		return
	}
	lookup, isLookup := a.Lookups[*name]
	table, isTable := a.Tables[*name]
	switch {
	case isLookup && lookup.Kind != a.kind && lookup.Kind != "":
		d.refuse(path, *name+" is a lookup of kind "+string(lookup.Kind), "name one of kind "+string(a.kind)+", a routine or a table")
	case isTable && !table.AwaitsResult:
		d.refuse(path, *name+" has awaits_result: false, so it has nothing to answer with", "name a target with results")
	case !isLookup && !isTable && !has(a.Routines, *name):
		all := a.targets()
		d.refuse(path, "there is no target "+shown(*name)+" in this workspace",
			cmp.Or(meant(nearest(*name, all)), "name one of its lookups, routines or tables, without the workspace"))
	}
}

func meant(name string) string {
	if name == "" {
		return ""
	}
	return "did you mean " + name + "?"
}

// only returns the lookup of the kind, where there is just one; else "".
func (a answering) only() string {
	var found []string
	for _, name := range names(a.Lookups) {
		if a.Lookups[name].Kind == a.kind {
			found = append(found, name)
		}
	}
	if len(found) != 1 {
		return ""
	}
	return found[0]
}

// targets returns the names of the workspace's targets, in order.
func (w *Workspace) targets() []string {
	all := slices.Concat(names(w.Tables), names(w.Routines), names(w.Lookups))
	slices.Sort(all)
	return all
}
