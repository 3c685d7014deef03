package claytest

import (
	"net/http"
	"strings"
	"time"
)

// search is a search and how far it has been read.
type search struct {
	source string
	mode   string
	at     int
}

// createFilters begins a search. Any filter is taken, and finds the same.
func (s *Server) createFilters(a *arrival) answer {
	in := input[struct {
		Source string `json:"source_type"`
	}](a)
	id := s.addSearch(&search{source: in.Source, mode: "filters-mode"})
	return answer{status: http.StatusOK, body: encode(struct {
		ID string `json:"search_id"`
	}{id})}
}

// createQuery begins a search by query; one that speaks of companies finds companies.
func (s *Server) createQuery(a *arrival) answer {
	in := input[struct{ Query string }](a)
	source := "people"
	if strings.Contains(strings.ToLower(in.Query), "compan") {
		source = "companies"
	}
	id := s.addSearch(&search{source: source, mode: "query-mode"})
	return answer{status: http.StatusOK, body: encode(struct {
		ID     string `json:"search_id"`
		Source string `json:"source_type"`
	}{id, source})}
}

func (s *Server) addSearch(f *search) (id string) {
	s.api.mu.Lock()
	defer s.api.mu.Unlock()
	s.api.searched++
	id = s.newID("search", s.api.searched)
	s.api.searches[id] = f
	return id
}

// quota is what is left of the searches.
type quota struct {
	Limit     int    `json:"limit"`
	Used      int    `json:"used"`
	Remaining int    `json:"remaining"`
	ResetsAt  string `json:"resets_at"`
}

// runFilters and runQuery answer with the next page. The place moves on whether or not
// the answer arrives.
func (s *Server) runFilters(a *arrival) answer { return s.nextPage(a, "filters-mode") }
func (s *Server) runQuery(a *arrival) answer   { return s.nextPage(a, "query-mode") }

func (s *Server) nextPage(a *arrival, mode string) answer {
	in := struct{ Limit int }{20}
	if limit := input[struct{ Limit int }](a).Limit; limit > 0 {
		in.Limit = limit
	}
	s.api.mu.Lock()
	defer s.api.mu.Unlock()
	f := s.api.searches[a.http.PathValue("search")]
	if f == nil || f.mode != mode {
		return apiError(http.StatusNotFound, "Search not found")
	}
	left := s.opt.PublicAPI.SearchQuota - s.api.found
	n := min(in.Limit, s.opt.PublicAPI.Found-f.at, left)
	if n <= 0 && f.at < s.opt.PublicAPI.Found {
		return apiError(http.StatusPaymentRequired, "Search quota exceeded")
	}
	out := struct {
		Data    []map[string]any `json:"data"`
		HasMore bool             `json:"has_more"`
		Quota   quota            `json:"period_quota"`
		Source  string           `json:"source_type,omitempty"`
		Reason  string           `json:"exhaustion_reason,omitempty"`
	}{Data: []map[string]any{}}
	for range max(n, 0) {
		out.Data = append(out.Data, s.foundRecord(f.source, f.at))
		f.at++
	}
	s.api.found += len(out.Data)
	out.HasMore = f.at < s.opt.PublicAPI.Found
	resets := s.api.born.AddDate(0, 0, 30).UTC().Format(time.RFC3339)
	out.Quota = quota{s.opt.PublicAPI.SearchQuota, s.api.found, s.opt.PublicAPI.SearchQuota - s.api.found, resets}
	if mode == "query-mode" {
		out.Source = f.source
		if !out.HasMore {
			out.Reason = "no_more_results"
		}
	}
	return answer{status: http.StatusOK, body: encode(out)}
}

// foundRecord makes up the i-th record that is found.
func (s *Server) foundRecord(source string, i int) map[string]any {
	h := hash(s.opt.Seed, "found", i)
	city := pick(hash(s.opt.Seed, "found city", i), cities)
	name := pick(h, companyFirsts) + " " + pick(h>>20, companySeconds)
	domain := strings.ReplaceAll(strings.ToLower(name), " ", "-") + ".com"
	company, _ := Enricher{Seed: s.opt.Seed}.Company(map[string]any{"domain": domain})
	parts := strings.Split(city, ", ")
	if source == "companies" {
		return map[string]any{
			"clay_company_id": i + 1, "name": company["name"], "size": "51-200 employees", "type": "Privately Held",
			"domain": domain, "country": parts[len(parts)-1], "industry": company["industry"], "location": company["location"],
			"description": company["description"], "linkedin_url": company["linkedin_url"], "annual_revenue": nil,
			"total_funding_amount_range_usd": nil,
		}
	}
	first, last := pick(h>>8, firstNames), pick(h>>16, lastNames)
	return map[string]any{
		"clay_profile_id": i + 1, "name": first + " " + last, "first_name": first, "last_name": last,
		"location": map[string]any{"name": city, "city": parts[0], "state_or_province": nil},
		"matched_experiences": []any{map[string]any{
			"company": company["name"], "title": pick(h>>24, titles), "location": nil, "start_date": "2021-04-01", "end_date": nil,
		}},
		// Without the linkedin_url that Clay lately adds: clients that keep to the document would refuse it.
	}
}

// searchFields lists some filters. Clay's own list is longer and changes.
func (s *Server) searchFields(a *arrival) answer {
	source := a.http.URL.Query().Get("source_type")
	if sourceShape("source_type", source) != "" {
		return apiError(http.StatusBadRequest, "Invalid request: source_type is neither people nor companies")
	}
	names := map[string][]string{
		"people": {"job_title_keywords", "company_domains", "locations"}, "companies": {"industries", "sizes", "locations"},
	}[source]
	list := []map[string]any{}
	for _, name := range names {
		list = append(list, map[string]any{"name": name, "type": "string[]", "description": "Made up by the emulator"})
	}
	return answer{status: http.StatusOK, body: encode(map[string]any{
		"source_type": source, "fields": list,
		"guidance": map[string]any{
			"behavior":       []string{"Every filter finds the same records here."},
			"field_guidance": []any{map[string]any{"id": "any", "text": "Use any of them.", "fields": names}},
			"create_examples": []any{map[string]any{
				"intent": "Anybody", "request": map[string]any{"source_type": source, "filters": map[string]any{names[0]: []string{"x"}}},
			}},
		},
	})}
}

func (s *Server) queryReference(*arrival) answer {
	return answer{status: http.StatusOK, body: encode(map[string]string{
		"reference": "# Queries\n\nThe emulator takes any query. One that speaks of companies finds companies, others find people.\n",
	})}
}
