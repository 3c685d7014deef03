package claytest_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/claygate/claygate/clay/claytest"
)

// What an input tells of the person.
func TestPerson(t *testing.T) {
	const invented = "*"
	for name, tt := range map[string]struct {
		input         map[string]any
		name, company string // "*": anything, "" with nothing found
	}{
		"first.last":           {map[string]any{"email": "jane.doe@acme.com"}, "Jane Doe", "Acme"},
		"case and space":       {map[string]any{"email": " Jane.DOE@Acme.COM\t"}, "Jane Doe", "Acme"},
		"underscore":           {map[string]any{"email": "jane_doe@acme.com"}, "Jane Doe", "Acme"},
		"tag":                  {map[string]any{"email": "jane.doe+news@acme.com"}, "Jane Doe", "Acme"},
		"middle name":          {map[string]any{"email": "jane.q.doe@acme.com"}, "Jane Doe", "Acme"},
		"hyphen":               {map[string]any{"email": "anne-marie.o'neil@acme.com"}, "Anne-Marie O'Neil", "Acme"},
		"accents":              {map[string]any{"email": "zoé.müller@acme.com"}, "Zoé Müller", "Acme"},
		"initial":              {map[string]any{"email": "j.doe@acme.com"}, "J* Doe", "Acme"},
		"no name":              {map[string]any{"email": "jdoe77@acme.com"}, invented, "Acme"},
		"company of two words": {map[string]any{"email": "jane.doe@acme-corp.com"}, "Jane Doe", "Acme Corp"},
		"subdomain":            {map[string]any{"email": "jane.doe@mail.eu.acme.com"}, "Jane Doe", "Acme"},
		"country domain":       {map[string]any{"email": "jane.doe@acme.co.uk"}, "Jane Doe", "Acme"},
		"country, deeper":      {map[string]any{"email": "jane.doe@mail.acme.com.br"}, "Jane Doe", "Acme"},
		"short domain":         {map[string]any{"email": "jane.doe@co.uk"}, "Jane Doe", "Co"},
		"free mail":            {map[string]any{"email": "jane.doe@gmail.com"}, "Jane Doe", invented},
		"free mail, country":   {map[string]any{"email": "jane.doe@yahoo.co.uk"}, "Jane Doe", invented},
		"email before domain":  {map[string]any{"email": "jane.doe@acme.com", "domain": "other.com"}, "Jane Doe", "Acme"},
		"domain":               {map[string]any{"domain": "https://www.acme.com/about"}, invented, "Acme"},
		"bad email, domain":    {map[string]any{"email": "jane", "domain": "acme.com"}, invented, "Acme"},
		"profile":              {map[string]any{"linkedin_url": "https://www.linkedin.com/in/Jane-Doe-12ab34/?x=1"}, "Jane Doe", invented},
		"profile, one word":    {map[string]any{"linkedin_url": "linkedin.com/in/jdoe"}, invented, invented},
		"other spelling":       {map[string]any{"E-Mail": "jane.doe@acme.com"}, "Jane Doe", "Acme"},
		"other words":          {map[string]any{"LinkedIn URL": "linkedin.com/in/jane-doe"}, "Jane Doe", invented},
		"nothing":              {map[string]any{"name": "Jane Doe"}, "", ""},
		"nil":                  {nil, "", ""},
		"empty":                {map[string]any{"email": "", "domain": " ", "linkedin_url": nil}, "", ""},
		"no text":              {map[string]any{"email": 5.0, "domain": true}, "", ""},
		"company page":         {map[string]any{"linkedin_url": "https://www.linkedin.com/company/acme"}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, found := claytest.Enrich(7, tt.input)
			if keys := slices.Sorted(maps.Keys(got)); !cmp.Equal(keys, slices.Sorted(slices.Values(claytest.DefaultFields()))) {
				t.Fatalf("fields %v", keys)
			}
			if want := tt.name != ""; found != want {
				t.Fatalf("found %v, want %v: %v", found, want, got)
			}
			if !found {
				for field, value := range got {
					if value != nil {
						t.Errorf("%s is %v although nothing was found", field, value)
					}
				}
				return
			}
			for field, want := range map[string]string{"name": tt.name, "company": tt.company, "title": invented, "location": invented, "linkedin_url": "https://www.linkedin.com/in/*"} {
				before, after, _ := strings.Cut(want, "*")
				value, ok := got[field].(string)
				if !ok || len(value) < 2 || !strings.HasPrefix(value, before) || !strings.HasSuffix(value, after) || (want == before && value != want) {
					t.Errorf("%s is %v, want %s", field, got[field], want)
				}
			}
			if company := got["company"].(string); strings.HasPrefix(company, "Gmail") || strings.HasPrefix(company, "Yahoo") {
				t.Errorf("the employer is %s", company)
			}
		})
	}
}

// The same person is the same, whatever the case, the space around and the
// other fields; and for the whole input nothing is changed.
func TestPersonSame(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		email := rapid.StringMatching(`[a-z]{1,8}[._]?[a-z]{0,8}@[a-z]{1,8}\.(com|co\.uk|io)`).Draw(rt, "email")
		seed := rapid.Uint64().Draw(rt, "seed")
		shout := rapid.SliceOfN(rapid.Bool(), len(email), len(email)).Draw(rt, "capitals")
		other := []rune(email)
		for i, up := range shout {
			if up {
				other[i] = unicode.ToUpper(other[i])
			}
		}
		space := rapid.StringMatching(`[ \t\n]{0,3}`)
		input := map[string]any{"email": space.Draw(rt, "before") + string(other) + space.Draw(rt, "after"), "row": 5}
		kept := maps.Clone(input)
		e := claytest.Enricher{Seed: seed, Misses: 0.3}
		want, wantFound := e.Person(map[string]any{"email": email})
		got, found := e.Person(input)
		if found != wantFound || !cmp.Equal(want, got) {
			rt.Errorf("%q: %v, %q: %v", email, want, input["email"], got)
		}
		if !cmp.Equal(kept, input) {
			rt.Errorf("the input became %v", input)
		}
	})
}

// About the share asked for is missed, always the same people.
func TestMisses(t *testing.T) {
	for _, share := range []float64{-1, 0, 0.1, 0.5, 1} {
		e, missed := claytest.Enricher{Seed: 3, Misses: share}, 0
		for n := range 1000 {
			input := map[string]any{"email": fmt.Sprintf("p%d@acme.com", n)}
			_, found := e.Person(input)
			if _, again := e.Person(input); again != found {
				t.Fatalf("%v is found and not found", input)
			}
			if !found {
				missed++
			}
		}
		if got := float64(missed) / 1000; got < share-0.04 || got > max(share, 0)+0.04 {
			t.Errorf("misses %v: missed %v", share, got)
		}
	}
}

// The server misses what its own enricher says it misses: a tenth by default.
func TestServerMisses(t *testing.T) {
	r := newReceiver(t, nil)
	s := claytest.New(t, claytest.Options{
		InMemory: true, PerSecond: -1, Seed: 5, Transport: r.transport,
		Column: claytest.Column{URL: "http://me/", Delay: atOnce, IDField: "email", Fields: []string{"name"}},
	})
	if e := s.Enricher(); e.Misses != 0.1 || e.Seed != 5 {
		t.Errorf("enricher %+v", e)
	}
	var want []string
	for n := range 60 {
		email := fmt.Sprintf("p%d@acme.com", n)
		fields, found := s.Enricher().Person(map[string]any{"email": email})
		name := "null"
		if found {
			name = fmt.Sprintf("%q", fields["name"])
		}
		want = append(want, fmt.Sprintf(`{"email":%q,"name":%s}`, email, name))
		mustPost(t, s, "people", fmt.Sprintf(`{"email":%q}`, email))
		idle(t, s)
	}
	if diff := cmp.Diff(want, r.got()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !strings.Contains(strings.Join(want, ""), `"name":null`) {
		t.Error("nobody of 60 was missed")
	}
}

// What an input tells of the company.
func TestCompany(t *testing.T) {
	e := claytest.Enricher{Seed: 7}
	got, found := e.Company(map[string]any{"domain": "https://www.Acme-Corp.co.uk/x"})
	if !found || got["name"] != "Acme Corp" || got["domain"] != "acme-corp.co.uk" ||
		got["linkedin_url"] != "https://www.linkedin.com/company/acme-corp" {
		t.Errorf("found %v: %v", found, got)
	}
	if keys := slices.Sorted(maps.Keys(got)); !cmp.Equal(keys, slices.Sorted(slices.Values(claytest.CompanyFields()))) {
		t.Errorf("fields %v", keys)
	}
	if n, ok := got["employee_count"].(int); !ok || n < 3 || n > 25_000 {
		t.Errorf("employees %v", got["employee_count"])
	}
	if byEmail, _ := e.Company(map[string]any{"email": "x@acme-corp.co.uk"}); !cmp.Equal(got, byEmail) {
		t.Errorf("by email %v, by domain %v", byEmail, got)
	}
	for _, input := range []map[string]any{nil, {"domain": "gmail.com"}, {"domain": "nonsense"}, {"email": "x@gmx.de"}, {"email": "x"}} {
		if fields, found := e.Company(input); found || fields["name"] != nil {
			t.Errorf("%v gives %v", input, fields)
		}
	}
}

// FuzzPerson enriches anything without a panic, and found is never empty.
func FuzzPerson(f *testing.F) {
	f.Add("jane.doe@acme.com", "acme.com", "linkedin.com/in/jane-doe")
	f.Add("a.b@.", "..", "linkedin.com/in/%zz--")
	f.Add("@", "http://", "linkedin.com/in/-")
	f.Add("é.ß@..co.uk", "www.", "linkedin.com/in//")
	f.Fuzz(func(t *testing.T, email, domain, profile string) {
		input := map[string]any{"email": email, "domain": domain, "linkedin_url": profile}
		fields, found := claytest.Enrich(1, input)
		if name, _ := fields["name"].(string); found && len(strings.Fields(name)) < 2 {
			t.Errorf("%v is named %q", input, name)
		}
		claytest.Enricher{Seed: 1}.Company(input)
	})
}
