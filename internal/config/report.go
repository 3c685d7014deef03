package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// maxProblems bounds a report: a file of another kind has a mistake on every line.
const maxProblems = 50

// report puts problems in the order in which they are read: those of the main file, those of others, those of the
// environment. What nobody reads is cut.
func (d *decoder) report(all Problems) Problems {
	if len(all) == 0 {
		return nil
	}
	all = d.once(all)
	rank := func(p Problem) int {
		return slices.Index([]bool{p.File == d.source.Path && p.File != "", p.File != "", true}, true)
	}
	slices.SortStableFunc(all, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	if more := len(all) - maxProblems; more > 0 {
		all = append(all[:maxProblems:maxProblems], Problem{File: all[0].File, Message: fmt.Sprintf("and %d more; mend these first", more)})
	}
	return all
}

// share notes that a workspace has a problem with what the defaults say.
func (d *decoder) share(p Problem, path string) {
	name, _, _ := strings.Cut(strings.TrimPrefix(path, workspaces+"."), ".")
	if d.shared == nil {
		d.shared = map[Problem][]string{}
	}
	if !slices.Contains(d.shared[p], name) {
		d.shared[p] = append(d.shared[p], name)
	}
}

// maxNamed is how many workspaces are named that have a problem with the defaults.
const maxNamed = 3

// once leaves one of each problem of the defaults, and says which workspaces have it, unless all of them have.
func (d *decoder) once(all Problems) Problems {
	var left Problems
	said := map[Problem]bool{}
	for _, p := range all {
		in := d.shared[p]
		if len(in) > 0 && said[p] {
			continue
		}
		said[p] = true
		if len(in) > 0 && len(in) < d.workspaces {
			p.Message += " (in " + strings.Join(in[:min(len(in), maxNamed)], ", ")
			if more := len(in) - maxNamed; more > 0 {
				p.Message += fmt.Sprintf(" and %d more", more)
			}
			p.Message += ")"
		}
		left = append(left, p)
	}
	return left
}
