package clay_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/clay/claytest"
	"github.com/google/go-cmp/cmp"
)

func TestLookups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := emulate(t, claytest.Options{Misses: -1}, clay.Config{})
		p, err := c.EnrichPerson(t.Context(), " ada.lovelace@example.com ")
		if err != nil || p.Name == "" || p.Title == "" || p.Company == "" || p.LinkedInURL == "" {
			t.Errorf("%+v, %v", p, err)
		}
		co, err := c.EnrichCompany(t.Context(), "example.com")
		if err != nil || co.Name == "" || co.Domain != "example.com" || co.EmployeeCount == 0 {
			t.Errorf("%+v, %v", co, err)
		}
		for _, r := range s.Requests() {
			if !strings.HasPrefix(r.Path, "/v1/") || len(r.Header["Authorization"]) != 1 || strings.Contains(r.Body, " ") {
				t.Errorf("%+v", r)
			}
		}
	})
}

func TestLookupMissIsAnError(t *testing.T) {
	for _, empty := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			_, c := emulate(t, claytest.Options{Misses: 1, Enterprise: claytest.Enterprise{Key: key, EmptyMisses: empty}}, clay.Config{})
			_, err := c.EnrichPerson(t.Context(), "nobody@example.com")
			failed(t, err, clay.KindNotFound)
			_, err = c.EnrichCompany(t.Context(), "nobody.example")
			failed(t, err, clay.KindNotFound)
		})
	}
}

func TestRetiredLookupSaysWhatToUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := emulate(t, claytest.Options{Enterprise: claytest.Enterprise{Key: key, Retired: true}}, clay.Config{})
		_, err := c.EnrichPerson(t.Context(), "ada@example.com")
		if e := failed(t, err, clay.KindDeprecated); !strings.Contains(e.Hint, "routine") || requests(s) != 1 {
			t.Error(err)
		}
	})
}

// The guard of the reference document: no key, no request.
func TestLookupWithoutKeySendsNothing(t *testing.T) {
	s := claytest.New(t, claytest.Options{InMemory: true})
	c, err := clay.NewWithDial(clay.Config{WebhookURL: s.WebhookURL("x"), BaseURL: s.URL()}, s.DialContext)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.EnrichPerson(t.Context(), "ada@example.com")
	failed(t, err, clay.KindConfig)
	_, err = c.EnrichCompany(t.Context(), "example.com")
	failed(t, err, clay.KindConfig)
	withKey := client(t, s, clay.Config{})
	_, err = withKey.EnrichPerson(t.Context(), " ")
	if failed(t, err, clay.KindInvalid); requests(s) != 0 {
		t.Errorf("%d requests", requests(s))
	}
}

// A lookup makes no row, so whatever may pass is tried again, and no error claims a
// second row.
func TestLookupsAreTriedAgain(t *testing.T) {
	for name, fault := range map[string]claytest.Fault{
		"silence": {Kind: claytest.DropBefore}, "lost answer": {Kind: claytest.DropAfter},
		"504": {Kind: claytest.Answer, Status: []int{504}}, "429": {Kind: claytest.Answer, Status: []int{429}},
		"500": {Kind: claytest.Answer, Status: []int{503, 500}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fault.Count = 2
				s, c := emulate(t, claytest.Options{Misses: -1, Faults: []claytest.Fault{fault}}, clay.Config{})
				if p, err := c.EnrichPerson(t.Context(), "ada@example.com"); err != nil || p.Name == "" || requests(s) != 3 {
					t.Errorf("%d requests: %+v, %v", requests(s), p, err)
				}
				if err := s.SetFaults(claytest.Fault{Kind: fault.Kind, Status: fault.Status, RetryAfter: []string{"9999"}}); err != nil {
					t.Fatal(err)
				}
				_, err := c.EnrichPerson(t.Context(), "ada@example.com")
				if e, ok := err.(*clay.Error); !ok || e.MayDuplicate() || len(e.Attempts) == 0 {
					t.Errorf("%v", err)
				}
			})
		})
	}
}

// An answer that breaks off is no person, though what came of it may look like one.
func TestLookupThatBreaksOffIsTriedAgain(t *testing.T) {
	const whole = `{"name":"Ada Lovelace","title":"Countess"}`
	tries := 0
	c, err := clay.New(clay.Config{EnterpriseKey: key, BaseURL: "https://proxy.test/clay/", Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.URL.String() != "https://proxy.test/clay/v1/people/enrich" {
			t.Errorf("asked %s", r.URL)
		}
		body := io.Reader(strings.NewReader(whole))
		if tries++; tries == 1 {
			body = io.MultiReader(body, iotest{})
		}
		return &http.Response{StatusCode: 200, Body: io.NopCloser(body)}, nil
	})})
	if err != nil {
		t.Fatal(err)
	}
	if p, err := c.EnrichPerson(t.Context(), "ada@example.com"); err != nil || p.Title != "Countess" || tries != 2 {
		t.Errorf("%d tries: %+v, %v", tries, p, err)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// What an error says fits a lookup, and holds no key even when the other side repeats it.
func TestLookupErrorsSayWhatToDo(t *testing.T) {
	for status, hint := range map[int]string{200: "BaseURL", 403: "Enterprise plan", 404: "knows nothing", 429: "less at a time", 401: "key", 504: ""} {
		c, err := clay.New(clay.Config{EnterpriseKey: key, Retries: -1, Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(r.Header.Get("Authorization")))}, nil
		})})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.EnrichCompany(t.Context(), "example.com")
		var e *clay.Error
		if !errors.As(err, &e) || !strings.Contains(e.Hint, hint) || hint == "" && e.Hint != "" || strings.Contains(err.Error(), key) || !strings.Contains(e.Body, "Bearer [secret]") {
			t.Errorf("%d: %v", status, err)
		}
	}
}

func TestPersonAndCompanyKeepWhatTheyDoNotKnow(t *testing.T) {
	const person = `{"name":"Ada","company":{"name":"AE"},"linkedin_url":null,"phones":["1","2"],"title":"","email":7}`
	var p clay.Person
	if err := json.Unmarshal([]byte(person), &p); err != nil {
		t.Fatal(err)
	}
	want := clay.Person{Name: "Ada", Email: "7", Extra: map[string]json.RawMessage{"company": json.RawMessage(`{"name":"AE"}`), "phones": json.RawMessage(`["1","2"]`)}}
	if d := cmp.Diff(want, p); d != "" {
		t.Error(d)
	}
	const company = `{"name":"AE}","employee_count":"1,200","founded":1837}`
	var co clay.Company
	if err := json.Unmarshal([]byte(company), &co); err != nil || co.EmployeeCount != 1200 {
		t.Errorf("%+v, %v", co, err)
	}
	if err := json.Unmarshal([]byte(`{"employee_count":"51-200"}`), &co); err != nil || co.EmployeeCount != 0 || string(co.Extra["employee_count"]) != `"51-200"` {
		t.Errorf("%+v, %v", co, err)
	}
	for _, v := range []any{p, clay.Company{Name: "AE}", Extra: map[string]json.RawMessage{"name": json.RawMessage(`"other"`), "x": json.RawMessage(`{}`)}}, clay.Person{Extra: map[string]json.RawMessage{"x": json.RawMessage(`1`)}}, clay.Company{}} {
		data, err := json.Marshal(v)
		if err != nil || !json.Valid(data) {
			t.Errorf("%s, %v", data, err)
		}
	}
	data, _ := json.Marshal(p)
	var again clay.Person
	if err := json.Unmarshal(data, &again); err != nil || !cmp.Equal(p, again) {
		t.Errorf("%s: %v", data, cmp.Diff(p, again))
	}
	if err := json.Unmarshal([]byte(`{"email":"b@example.com"}`), &again); err != nil || again.Name != "" || len(again.Extra) != 0 {
		t.Errorf("what was there before shows through: %+v, %v", again, err)
	}
	if err := json.Unmarshal([]byte(`{"NAME":"Eve","name":"Ada","Title":"Countess"}`), &p); err != nil || p.Name != "Ada" || p.Title != "Countess" || len(p.Extra) != 1 {
		t.Errorf("names in another case: %+v, %v", p, err)
	}
	if p.UnmarshalJSON(nil) == nil || json.Unmarshal([]byte(`[]`), &p) == nil || json.Unmarshal([]byte(`"x"`), &co) == nil {
		t.Error("no error for what is no object")
	}
}

func FuzzLookupBody(f *testing.F) {
	for _, s := range []string{`{"name":"Ada"}`, `{"success":false}`, `<html>`, `null`, `{"employee_count":"1e3"}`, `{"error":{}}`} {
		f.Add([]byte(s), 200)
	}
	f.Add([]byte("Record limit reached\x00\xff"), 403)
	f.Fuzz(func(t *testing.T, body []byte, status int) {
		if status < 200 || status > 599 {
			return
		}
		c, err := clay.New(clay.Config{EnterpriseKey: key, Retries: -1, Transport: canned{status, body}})
		if err != nil {
			t.Fatal(err)
		}
		p, err := c.EnrichPerson(t.Context(), "ada@example.com")
		switch {
		case err == nil && (status/100 != 2 || !json.Valid(body)):
			t.Fatalf("%d %q was returned as data", status, body)
		case err != nil && (p.Name != "" || p.Extra != nil || strings.ContainsAny(err.Error(), "\n\r\x00\x1b")):
			t.Fatalf("%+v, %q", p, err)
		}
	})
}
