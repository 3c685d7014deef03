package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Problem is one mistake, or one warning.
type Problem struct {
	File    string // the file as it was named; "" for the environment and flags
	Line    int    // from 1; 0 for the file as a whole
	Key     string // such as workspaces.main.pace.burst, CLAYGATE_LISTEN or --listen; "" for none
	Message string // what is wrong
	Hint    string // what to write or do instead; may be ""
}

// Error says it all on one line: file:line: key: what is wrong; what to do.
func (p Problem) Error() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File)
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d", p.Line)
		}
		b.WriteString(": ")
	}
	if p.Key != "" {
		b.WriteString(p.Key + ": ")
	}
	b.WriteString(p.Message)
	if p.Hint != "" {
		b.WriteString("; " + p.Hint)
	}
	return strings.Map(printable, b.String())
}

// printable replaces what could break the line or drive a terminal.
func printable(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return '\uFFFD'
}

// Problems is every mistake of a configuration, in the order of its lines. It is the error of [Load].
type Problems []Problem

// Error has one line for each problem.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the single problems, for errors.As and errors.Is.
func (p Problems) Unwrap() []error {
	all := make([]error, len(p))
	for i, problem := range p {
		all[i] = problem
	}
	return all
}

// maxProblems bounds a report: a file of another kind has a mistake on every line.
const maxProblems = 50

// report puts problems in the order in which they are read: those of the main file, those of others, those of the
// environment. What the defaults have wrong is said once for all workspaces. What nobody reads is cut.
func report(all Problems, main string) Problems {
	if len(all) == 0 {
		return nil
	}
	rank := func(p Problem) int {
		return slices.Index([]bool{p.File == main && main != "", p.File != "", true}, true)
	}
	slices.SortStableFunc(all, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	said := map[Problem]bool{}
	all = slices.DeleteFunc(all, func(p Problem) bool {
		again := said[p]
		said[p] = true
		return again && strings.HasPrefix(p.Key, defaults)
	})
	if more := len(all) - maxProblems; more > 0 {
		all = append(all[:maxProblems:maxProblems], Problem{File: all[0].File, Message: fmt.Sprintf("and %d more; mend these first", more)})
	}
	return all
}
