package claytest

import (
	"fmt"
	"strings"
	"unicode"
)

// Enricher makes people and companies up: plausible, invented, and the same
// whenever the same is asked, whatever the case and the space around it.
type Enricher struct {
	// Seed changes all that is not told by the input itself.
	Seed uint64
	// Misses is the share nothing is found for, 0 to 1; decided by hash of who
	// is asked for. Zero and less: everybody is found.
	Misses float64
}

// Enrich is [Enricher.Person] without misses. It has no state: the same seed
// and person give the same fields, always and everywhere.
func Enrich(seed uint64, input map[string]any) (fields map[string]any, found bool) {
	return Enricher{Seed: seed}.Person(input)
}

// Person finds the person whom the input's email, else its domain, else its
// linkedin_url tells of. The fields are those of [DefaultFields]; when nothing
// is found they are all there, and null.
//
// jane.doe@acme.com is Jane Doe of Acme; other addresses get an invented name,
// and those of free mail services an invented employer.
func (e Enricher) Person(input map[string]any) (fields map[string]any, found bool) {
	fields = map[string]any{}
	for _, name := range DefaultFields() {
		fields[name] = nil
	}
	who := identify(input)
	if who.key == "" || e.misses(who.key) {
		return fields, false
	}
	name := e.personName(who)
	fields["name"] = name
	fields["title"] = pick(hash(e.Seed, "title", who.key), titles)
	fields["company"] = e.employer(who)
	fields["location"] = pick(hash(e.Seed, "location", who.key), cities)
	fields["linkedin_url"] = who.linkedIn
	if who.linkedIn == "" {
		fields["linkedin_url"] = fmt.Sprintf("https://www.linkedin.com/in/%s-%06x",
			slug(name), hash(e.Seed, "profile", who.key)>>40)
	}
	return fields, true
}

// misses decides by hash whether nothing is known of the key.
func (e Enricher) misses(key string) bool {
	return e.Misses > 0 && share(hash(e.Seed, "miss", key)) < e.Misses
}

// personName is the name the address or profile tells, else an invented one.
func (e Enricher) personName(who identity) string {
	first, last := who.first, who.last
	if len([]rune(first)) < 2 {
		first = e.firstName(who.key, first)
	}
	if len([]rune(last)) < 2 {
		last = pick(hash(e.Seed, "last", who.key), lastNames)
	}
	return title(first) + " " + title(last)
}

// firstName invents a first name, one with the initial if there is such.
func (e Enricher) firstName(key, initial string) string {
	h := hash(e.Seed, "first", key)
	var fitting []string
	for _, name := range firstNames {
		if initial != "" && strings.HasPrefix(strings.ToLower(name), initial) {
			fitting = append(fitting, name)
		}
	}
	if len(fitting) > 0 {
		return pick(h, fitting)
	}
	return pick(h, firstNames)
}

// employer is the company of the person's domain, else an invented one.
func (e Enricher) employer(who identity) string {
	if who.domain != "" && !freeMail(who.domain) {
		return companyName(who.domain)
	}
	h := hash(e.Seed, "employer", who.key)
	return pick(h, companyFirsts) + " " + pick(h>>32, companySeconds)
}

// title writes a name with capitals, also after hyphens and apostrophes.
func title(name string) string {
	up := true
	return strings.Map(func(r rune) rune {
		if up {
			r = unicode.ToUpper(r)
		}
		up = r == '-' || r == '\'' || r == ' '
		return r
	}, name)
}

// slug writes a name as the address of a profile.
func slug(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		case r == ' ' || r == '-':
			return '-'
		}
		return -1
	}, name)
}
