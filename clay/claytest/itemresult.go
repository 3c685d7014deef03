package claytest

// itemResult is what became of an item.
type itemResult struct {
	ID     string         `json:"id"`
	Status string         `json:"status"`
	Result map[string]any `json:"result,omitzero"`
	Error  *failure       `json:"error,omitempty"`
}

// result makes up what became of a run's i-th item. Finding nothing is not a
// failure to Clay: such an item is complete, and its fields are null.
func (s *Server) result(r *run, i int) itemResult {
	it := r.items[i]
	switch {
	case i >= r.paid:
		return itemResult{ID: it.ID, Status: "failed", Error: &failure{"Not enough credits"}}
	case r.failed, share(hash(s.opt.Seed, "failed item", encode(it.Inputs))) < s.opt.PublicAPI.Failures:
		return itemResult{ID: it.ID, Status: "failed", Error: &failure{"The routine failed for this item"}}
	}
	fields, _ := s.Enricher().Routine(it.Inputs)
	return itemResult{ID: it.ID, Status: "complete", Result: fields}
}

// Routine finds what a routine is asked for: a company when the inputs have a
// domain and nothing that tells of a person, else a person.
func (e Enricher) Routine(inputs map[string]any) (fields map[string]any, found bool) {
	if text(inputs, "domain") != "" && text(inputs, "email") == "" && text(inputs, "linkedin_url") == "" {
		return e.Company(inputs)
	}
	return e.Person(inputs)
}
