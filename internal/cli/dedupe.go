package cli

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// dedupeDefaults are the columns that say whom or what a row is about, the most telling first.
var dedupeDefaults = []string{"email", "linkedinurl", "domain"}

// chooseDedupe returns the columns that make two rows the same work: those asked for ("none" for none), else the
// first column that is an e-mail, a LinkedIn URL or a domain by its name.
func chooseDedupe(asked string, columns []string) ([]string, error) {
	switch asked {
	case "none":
		return nil, nil
	case "":
		for _, name := range dedupeDefaults {
			if i := slices.IndexFunc(columns, func(c string) bool { return foldName(c) == name }); i >= 0 {
				return columns[i : i+1], nil
			}
		}
		return nil, nil
	}
	var by []string
	for _, name := range strings.Split(asked, ",") {
		name = strings.TrimSpace(name)
		if !slices.Contains(columns, name) {
			return nil, &usageError{
				message: fmt.Sprintf("--dedupe-by: there is no column %q", name),
				hint:    "the columns are: " + strings.Join(columns, ", "),
			}
		}
		by = append(by, name)
	}
	return by, nil
}

// foldName reduces a column's name to its letters and digits: "E-Mail" is "email".
func foldName(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}
