package api

import (
	"slices"
	"strings"
)

// errorText is a plain error for people.
type errorText string

func (e errorText) Error() string { return string(e) }

func known(name string, names []string) bool { return slices.Contains(names, name) }

// unknownMember refuses a member, and names the one that was probably meant.
func unknownMember(name string, names []string) *Problem {
	if near := nearest(name, names); near != "" {
		return refusal(invalid, "the member %.40q is unknown: did you mean %q?", name, near)
	}
	return refusal(invalid, "the member %.40q is unknown: there are %s", name, strings.Join(names, ", "))
}

// nearest returns the name that differs in at most two letters, "" for none.
func nearest(name string, names []string) string {
	best, least := "", 3
	for _, candidate := range names {
		if d := distance(strings.ToLower(name), candidate); d < least {
			best, least = candidate, d
		}
	}
	return best
}

// distance counts the letters to change, add or leave out to get from a to b. Long names are not compared.
func distance(a, b string) int {
	if len(a) > 40 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
