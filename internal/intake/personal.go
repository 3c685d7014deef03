package intake

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/claygate/claygate/internal/ledger"
)

//go:embed personal.txt
var personalText string

// personal holds the domains whose addresses are people's own.
var personal = sync.OnceValue(func() map[string]struct{} {
	domains := map[string]struct{}{}
	for line := range strings.Lines(personalText) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			domains[line] = struct{}{}
		}
	}
	return domains
})

// Guard refuses records of people whose address is their own, not a company's: enriching them costs, and seldom finds
// anything.
type Guard struct {
	Fields []string // that hold an e-mail address, a domain or a URL; none refuses nothing
	Also   []string // domains beside the known ones
}

// check refuses a record one of whose fields is of a personal domain. Neither the address nor the name goes into the text.
func (g Guard) check(members []Member) error {
	for _, field := range g.Fields {
		var text string
		if json.Unmarshal(value(members, field), &text) != nil {
			continue // whatever it is, it is no address
		}
		domain := domainOf(text)
		if _, known := personal()[domain]; known || slices.ContainsFunc(g.Also, func(also string) bool { return strings.EqualFold(also, domain) }) {
			return &ledger.Error{
				Kind: ledger.Invalid, Op: "accept", Message: fmt.Sprintf("%q is of the personal domain %s, and its target refuses those", field, domain),
				Hint: "hand in a work address, or leave refuse_personal out of the target's configuration",
			}
		}
	}
	return nil
}

// domainOf returns the domain of an e-mail address or a URL, or the text itself.
func domainOf(text string) string {
	domain := strings.ToLower(strings.TrimSpace(text))
	if _, rest, url := strings.Cut(domain, "://"); url {
		domain, _, _ = strings.Cut(rest, "/")
	}
	domain = domain[strings.LastIndexByte(domain, '@')+1:]
	return strings.TrimPrefix(strings.TrimRight(domain, "/.> "), "www.")
}
