package cli

import (
	"fmt"
	"strings"

	"github.com/claygate/claygate/internal/routine"
)

// spellPrice writes what n rows are said to cost. What is not known is not free.
func spellPrice(p routine.Price, n int) string {
	var parts []string
	for _, of := range []struct {
		each *float64
		unit string
	}{{p.Credits, "credits"}, {p.Actions, "actions"}} {
		if of.each != nil {
			parts = append(parts, fmt.Sprintf("%s %s", number(*of.each*float64(n)), of.unit))
		}
	}
	if len(parts) == 0 {
		return "Clay names no price"
	}
	text := "about " + strings.Join(parts, " and ")
	if p.Varies {
		text += ", or more: it varies from row to row"
	}
	return text + " by Clay's estimate"
}
