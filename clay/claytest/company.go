package claytest

import (
	"fmt"
	"strings"
)

// CompanyFields are the fields of a company.
func CompanyFields() []string {
	return []string{"name", "domain", "industry", "employee_count", "linkedin_url", "location", "description"}
}

// Company finds the company whom the input's domain, else its email's domain
// tells of. The fields are those of [CompanyFields]; when nothing is found, as
// for free mail services, they are all there, and null.
func (e Enricher) Company(input map[string]any) (fields map[string]any, found bool) {
	fields = map[string]any{}
	for _, name := range CompanyFields() {
		fields[name] = nil
	}
	domain := bareDomain(text(input, "domain"))
	if _, host, ok := strings.Cut(text(input, "email"), "@"); domain == "" && ok {
		domain = bareDomain(host)
	}
	if domain == "" || freeMail(domain) || e.misses("company "+domain) {
		return fields, false
	}
	name := companyName(domain)
	industry := pick(hash(e.Seed, "industry", domain), industries)
	city := pick(hash(e.Seed, "headquarters", domain), cities)
	fields["name"] = name
	fields["domain"] = domain
	fields["industry"] = industry
	fields["employee_count"] = employees(hash(e.Seed, "employees", domain))
	fields["linkedin_url"] = "https://www.linkedin.com/company/" + slug(name)
	fields["location"] = city
	fields["description"] = fmt.Sprintf("%s is a %s company based in %s.", name, strings.ToLower(industry), city)
	return fields, true
}

// employees is a head count from 3 to some 20,000, small ones more often.
func employees(h uint64) int {
	count, size := 3.0, share(h)*9
	for ; size > 0; size-- {
		count *= 1 + 1.66*min(size, 1)
	}
	return int(count)
}

// companyName makes a name of a domain: acme-corp.co.uk gives Acme Corp.
func companyName(domain string) string {
	labels := strings.Split(domain, ".")
	n := len(labels) - 2
	if n > 0 && len(labels[n+1]) == 2 && secondLevel[labels[n]] {
		n--
	}
	return title(strings.TrimSpace(strings.ReplaceAll(labels[max(n, 0)], "-", " ")))
}

// secondLevel are the labels that with a country's make one top-level domain.
var secondLevel = set("co", "com", "org", "net", "ac", "gov", "edu", "or", "ne", "gob")

// freeMail reports a domain whose addresses say nothing about the employer.
func freeMail(domain string) bool {
	name, _, _ := strings.Cut(domain, ".")
	return freeMailNames[name] || freeMailDomains[domain]
}

// freeMailNames are services that have domains in many countries.
var freeMailNames = set("gmail", "googlemail", "yahoo", "ymail", "rocketmail", "hotmail", "outlook", "live",
	"msn", "icloud", "aol", "gmx", "protonmail", "yandex", "zoho", "fastmail", "tutanota", "mailinator")

var freeMailDomains = set("me.com", "mac.com", "proton.me", "pm.me", "web.de", "mail.com", "mail.ru", "inbox.ru",
	"qq.com", "163.com", "126.com", "hey.com", "t-online.de", "freenet.de", "orange.fr", "free.fr", "wanadoo.fr",
	"laposte.net", "libero.it", "comcast.net", "verizon.net", "att.net", "sbcglobal.net", "btinternet.com",
	"bluewin.ch", "rediffmail.com", "naver.com", "tuta.io", "seznam.cz", "wp.pl", "o2.pl", "uol.com.br", "bol.com.br")

func set(names ...string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, n := range names {
		m[n] = true
	}
	return m
}
