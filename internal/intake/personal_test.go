package intake

import (
	"slices"
	"strings"
	"testing"

	"github.com/claygate/claygate/internal/ledger"
)

func TestGuard(t *testing.T) {
	g := Guard{Fields: []string{"email", "site"}, Also: []string{"Example.ORG"}}
	for fields, refused := range map[string]bool{
		`{"email":"ada@acme.com"}`:                        false,
		`{"email":" Ada@GMail.com "}`:                     true,
		`{"email":"ada@yahoo.co.uk"}`:                     true,
		`{"email":"Ada <ada@gmail.com>"}`:                 true,
		`{"email":"ada@example.org"}`:                     true,
		`{"email":"ada@notgmail.com"}`:                    false,
		`{"email":"gmail.com@acme.com"}`:                  false,
		`{"email":null}`:                                  false,
		`{"email":5}`:                                     false,
		`{"email":""}`:                                    false,
		`{}`:                                              false,
		`{"other":"ada@gmail.com"}`:                       false,
		`{"site":"https://www.gmail.com/about"}`:          true,
		`{"site":"gmx.de"}`:                               true,
		`{"email":"ada@acme.com","site":"www.gmail.com"}`: true,
	} {
		members, err := Members([]byte(fields))
		if err != nil {
			t.Fatal(err)
		}
		err = g.check(members)
		if (err != nil) != refused || err != nil && (ledger.KindOf(err) != ledger.Invalid || strings.Contains(strings.ToLower(err.Error()), "ada")) {
			t.Errorf("%s: %v, want it refused: %t", fields, err, refused)
		}
	}
}

func TestPersonalDomains(t *testing.T) {
	var all []string
	for line := range strings.Lines(personalText) {
		if line = strings.TrimSpace(line); line[0] != '#' {
			all = append(all, line)
			if domainOf(line) != line {
				t.Errorf("%q is not found as it is written", line)
			}
		}
	}
	if !slices.IsSorted(all) || len(slices.Compact(slices.Clone(all))) != len(all) {
		t.Error("the domains are not in order, or one stands there twice")
	}
}
