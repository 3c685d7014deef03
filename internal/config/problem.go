package config

import (
	"fmt"
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
