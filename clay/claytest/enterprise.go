package claytest

import (
	"crypto/subtle"
	"net/http"
	"strings"
)

// Enterprise configures the lookup endpoints /v1/people/enrich and
// /v1/companies/enrich. No official page describes them and Clay answers 404
// there today (docs/clay.md, "The Enterprise endpoints"); so does the zero value.
type Enterprise struct {
	// Key is the Bearer key that is asked for. Default: the endpoints are
	// retired.
	Key string
	// Retired answers as Clay does today although there is a Key.
	Retired bool
	// EmptyMisses answers a miss with 200 and null fields. Default: 404.
	EmptyMisses bool
}

// bodyRetired is what Clay answers under /v1 today.
const bodyRetired = `{"success":false,"message":"deprecated API endpoint"}`

// enterpriseRoutes adds the endpoints.
func (s *Server) enterpriseRoutes(mux *http.ServeMux) {
	mux.HandleFunc("/v1/people/enrich", s.serve(s.lookup(s.person)))
	mux.HandleFunc("/v1/companies/enrich", s.serve(s.lookup(s.company)))
	mux.HandleFunc("/v1/", s.serve(func(*arrival) answer { return retired() }))
}

func retired() answer { return answer{status: http.StatusNotFound, body: bodyRetired} }

// lookup makes an endpoint of something that finds; no fields at all mean that
// the input does not say what.
func (s *Server) lookup(find func(input map[string]any) (fields map[string]any, found bool)) endpoint {
	return func(a *arrival) answer {
		conf := s.opt.Enterprise
		switch {
		case conf.Key == "" || conf.Retired:
			return retired()
		case a.method != http.MethodPost:
			return methodNotAllowed()
		case !bearer(a.http, conf.Key):
			return refusal(http.StatusUnauthorized, "Unauthorized", "Authentication required")
		}
		if why := a.invalid(); why != "" {
			return badRequest(why)
		}
		fields, found := find(decode(a.body))
		switch {
		case fields == nil:
			return badRequest("Send what to look up, as text: an email or linkedin_url, or a domain")
		case !found && !conf.EmptyMisses:
			return answer{status: http.StatusNotFound, body: `{"success":false,"message":"Nothing found"}`}
		}
		return answer{status: http.StatusOK, body: encode(fields)}
	}
}

// person looks up by email or LinkedIn URL. The answer repeats the email.
func (s *Server) person(input map[string]any) (fields map[string]any, found bool) {
	email, profile := input["email"], input["linkedin_url"]
	if !isText(email) && !isText(profile) {
		return nil, false
	}
	fields, found = s.Enricher().Person(map[string]any{"email": email, "linkedin_url": profile})
	fields["email"] = email
	return fields, found
}

// company looks up by domain. The answer repeats the domain.
func (s *Server) company(input map[string]any) (fields map[string]any, found bool) {
	domain := input["domain"]
	if !isText(domain) {
		return nil, false
	}
	fields, found = s.Enricher().Company(map[string]any{"domain": domain})
	fields["domain"] = domain
	return fields, found
}

func isText(value any) bool {
	s, ok := value.(string)
	return ok && strings.TrimSpace(s) != ""
}

// bearer compares the key.
func bearer(r *http.Request, key string) bool {
	sent, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return ok && subtle.ConstantTimeCompare([]byte(sent), []byte(key)) == 1
}
