package claytest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/clay/claytest"
)

// The lookups answer with a key, and are retired without one, as they are today.
func TestEnterprise(t *testing.T) {
	const retired = `{"success":false,"message":"deprecated API endpoint"}`
	const nothing = `{"success":false,"message":"Nothing found"}`
	const missing = `{"type":"BadRequest","message":"Send what to look up, as text: an email or linkedin_url, or a domain","details":null}`
	const unauthorized = `{"type":"Unauthorized","message":"Authentication required","details":null}`
	found := claytest.Enricher{Seed: 1}
	jane, _ := found.Person(map[string]any{"email": "jane.doe@acme.com"})
	jane["email"] = "jane.doe@acme.com"
	acme, _ := found.Company(map[string]any{"domain": "acme.com"})
	encode := func(v any) string { b, _ := json.Marshal(v); return string(b) }

	open := claytest.Enterprise{Key: "k1"}
	for name, tt := range map[string]struct {
		conf                    claytest.Enterprise
		misses                  float64
		method, path, key, body string
		status                  int
		want                    string
	}{
		"person":             {conf: open, path: "people", key: "Bearer k1", body: `{"email":"jane.doe@acme.com"}`, status: 200, want: encode(jane)},
		"company":            {conf: open, path: "companies", key: "Bearer k1", body: `{"domain":"acme.com"}`, status: 200, want: encode(acme)},
		"zero is retired":    {path: "people", key: "Bearer k1", body: `{"email":"jane.doe@acme.com"}`, status: 404, want: retired},
		"retired":            {conf: claytest.Enterprise{Key: "k1", Retired: true}, path: "companies", key: "Bearer k1", body: `{"domain":"acme.com"}`, status: 404, want: retired},
		"other paths":        {conf: open, path: "tables", key: "Bearer k1", body: `{}`, status: 404, want: retired},
		"no key":             {conf: open, path: "people", body: `{"email":"jane.doe@acme.com"}`, status: 401, want: unauthorized},
		"wrong key":          {conf: open, path: "people", key: "Bearer k2", body: `{"email":"jane.doe@acme.com"}`, status: 401, want: unauthorized},
		"key without Bearer": {conf: open, path: "people", key: "k1", body: `{"email":"jane.doe@acme.com"}`, status: 401, want: unauthorized},
		"GET":                {conf: open, method: "GET", path: "people", key: "Bearer k1", status: 405, want: `{"type":"MethodNotAllowed","message":"Use POST","details":null}`},
		"bad JSON":           {conf: open, path: "people", key: "Bearer k1", body: `{`, status: 400, want: `{"type":"BadRequest","message":"Request body is not valid JSON","details":null}`},
		"no email":           {conf: open, path: "people", key: "Bearer k1", body: `{"domain":"acme.com"}`, status: 400, want: missing},
		"array":              {conf: open, path: "companies", key: "Bearer k1", body: `[]`, status: 400, want: missing},
		"email is a number":  {conf: open, path: "people", key: "Bearer k1", body: `{"email":5}`, status: 400, want: missing},
		"miss":               {conf: open, misses: 1, path: "people", key: "Bearer k1", body: `{"email":"jane.doe@acme.com"}`, status: 404, want: nothing},
		"empty miss":         {conf: claytest.Enterprise{Key: "k1", EmptyMisses: true}, misses: 1, path: "people", key: "Bearer k1", body: `{"email":"A@b.c"}`, status: 200, want: `{"company":null,"email":"A@b.c","linkedin_url":null,"location":null,"name":null,"title":null}`},
		"free mail":          {conf: open, path: "companies", key: "Bearer k1", body: `{"domain":"gmail.com"}`, status: 404, want: nothing},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.misses == 0 {
				tt.misses = -1
			}
			s := claytest.New(t, claytest.Options{InMemory: true, Seed: 1, Misses: tt.misses, Enterprise: tt.conf})
			if tt.method == "" {
				tt.method = "POST"
			}
			req, err := http.NewRequest(tt.method, s.URL()+"/v1/"+tt.path+"/enrich", strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/json")
			if tt.key != "" {
				req.Header.Set("Authorization", tt.key)
			}
			resp, err := s.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, read(t, resp)); resp.StatusCode != tt.status || diff != "" {
				t.Errorf("status %d (-want +got):\n%s", resp.StatusCode, diff)
			}
			if r := s.Requests()[0]; r.Webhook != "" || r.Status != tt.status || len(s.Rows()) != 0 {
				t.Errorf("recorded as %+v", r)
			}
		})
	}
}
