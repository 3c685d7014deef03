// Package doctor examines what a gateway stands on: the disk and the permissions of its files, the clock, and whether what
// Clay calls arrives. What it finds is said with what to do about it, and never holds a secret or personal data.
package doctor

import (
	"cmp"
	"slices"
)

// State says how bad a finding is.
type State string

// The states, worst first.
const (
	Broken  State = "broken"  // it does not work, or what is in the ledger is in danger
	Warning State = "warning" // it works, and probably not for long or not as meant
	OK      State = "ok"
	Skipped State = "skipped" // it was not examined, and Says tells why
)

var order = []State{Broken, Warning, OK, Skipped}

// Finding is what one examination found.
type Finding struct {
	Check string `json:"check"` // what was examined, such as "disk" or "key of main"
	State State  `json:"state"`
	Says  string `json:"says"`
	Do    string `json:"do,omitempty"` // how to mend it; "" where there is nothing to mend
}

// Sorted returns the findings worst first, else in the order in which they were made.
func Sorted(findings []Finding) []Finding {
	findings = slices.Clone(findings)
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Compare(slices.Index(order, a.State), slices.Index(order, b.State))
	})
	return findings
}

// Count returns how many of the findings have a state.
func Count(findings []Finding, state State) (n int) {
	for _, f := range findings {
		if f.State == state {
			n++
		}
	}
	return n
}
