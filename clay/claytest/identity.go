package claytest

import (
	"net/url"
	"strings"
	"unicode"
)

// identity is whom an input tells of. The key is what makes two inputs the same
// person; without one nobody can be found.
type identity struct {
	key         string
	first, last string // lower case, as far as the key tells; may be an initial
	domain      string
	linkedIn    string // the profile's URL, when that is what was given
}

// identify reads the email, else the domain, else the LinkedIn URL.
func identify(input map[string]any) identity {
	if email := text(input, "email"); email != "" {
		if local, domain, ok := strings.Cut(email, "@"); ok && local != "" && strings.Contains(domain, ".") {
			first, last := splitLocal(local)
			return identity{key: email, first: first, last: last, domain: domain}
		}
	}
	if domain := bareDomain(text(input, "domain")); domain != "" {
		return identity{key: domain, domain: domain}
	}
	if profile := profileSlug(text(input, "linkedin_url")); profile != "" {
		first, last := splitProfile(profile)
		return identity{key: "in/" + profile, first: first, last: last, linkedIn: "https://www.linkedin.com/in/" + profile}
	}
	return identity{}
}

// text is a field as trimmed lower-case text; the field's name may be written
// in any case, with spaces, hyphens or underscores.
func text(input map[string]any, name string) string {
	value, ok := input[name].(string)
	if !ok {
		for other, v := range input {
			if s, isText := v.(string); isText && foldName(other) == foldName(name) && s > value {
				value = s // the greatest, so that the map's order does not matter
			}
		}
	}
	return strings.ToLower(strings.TrimSpace(value))
}

func foldName(name string) string {
	return strings.NewReplacer(" ", "", "-", "", "_", "").Replace(strings.ToLower(name))
}

// splitLocal takes the local part of an address apart: jane.doe+list gives jane
// and doe, j.doe the initial and doe, and jdoe77 nothing.
func splitLocal(local string) (first, last string) {
	local, _, _ = strings.Cut(local, "+")
	parts := strings.FieldsFunc(local, func(r rune) bool { return r == '.' || r == '_' })
	if len(parts) < 2 || !isName(parts[0]) || !isName(parts[len(parts)-1]) {
		return "", ""
	}
	return parts[0], parts[len(parts)-1]
}

// splitProfile takes a profile's slug apart: jane-doe-1a2b3c is Jane Doe.
func splitProfile(slug string) (first, last string) {
	parts := strings.Split(slug, "-")
	if len(parts) < 2 || !isName(parts[0]) || !isName(parts[1]) {
		return "", ""
	}
	return parts[0], parts[1]
}

// isName reports whether the text is of letters, hyphens and apostrophes.
func isName(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsMark(r) && r != '-' && r != '\''
	}) < 0
}

// bareDomain takes the host out of a domain or a web address.
func bareDomain(s string) string {
	if _, rest, ok := strings.Cut(s, "://"); ok {
		s = rest
	}
	if end := strings.IndexAny(s, "/?#:"); end >= 0 {
		s = s[:end]
	}
	s = strings.TrimSuffix(strings.TrimPrefix(s, "www."), ".")
	if !strings.Contains(s, ".") || strings.ContainsAny(s, " @") {
		return ""
	}
	return s
}

// profileSlug takes the slug out of a LinkedIn URL of a person.
func profileSlug(s string) string {
	_, rest, ok := strings.Cut(s, "linkedin.com/in/")
	if !ok {
		return ""
	}
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	if plain, err := url.PathUnescape(rest); err == nil {
		rest = plain
	}
	return rest
}
