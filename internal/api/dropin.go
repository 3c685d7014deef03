package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/claygate/claygate/internal/intake"
	"github.com/claygate/claygate/internal/ledger"
)

// DropIn is one of Clay's Enterprise endpoints, which a target may answer in Clay's place.
type DropIn string

// The endpoints. Clients of theirs send one field (docs/clay.md).
const (
	People    DropIn = "people"    // /v1/people/enrich, by "email"
	Companies DropIn = "companies" // /v1/companies/enrich, by "domain"
)

// field returns the field that the endpoint's clients send.
func (d DropIn) field() string {
	if d == People {
		return "email"
	}
	return "domain"
}

// The usual clients give a request up after 30 s, and make four of them when they are told 429. Python's waits for nothing
// there, and leaves it to its caller to come again.
const (
	dropInWait  = 25 * time.Second // of the 30, so that the network and a busy ledger have some
	dropInAgain = 5                // seconds; both clients' own default
)

// dropInRoutes routes the endpoints. They let callers in by themselves, because they refuse them in Clay's words.
func (s *server) dropInRoutes() {
	for _, version := range []string{"/v1/", "/v3/"} {
		for _, d := range []DropIn{People, Companies} {
			s.public(version+string(d)+"/enrich", func(c *call) error {
				if err := s.enrich(c, d); err != nil {
					return s.refuseAsClay(c, err)
				}
				return nil
			})
		}
	}
}

// enrich answers with the enriched fields alone. What is not finished in time goes on, and the same question joins it.
func (s *server) enrich(c *call, d DropIn) error {
	until := time.Now().Add(dropInWait)
	t, err := s.answering(c, d)
	if err != nil {
		return err
	}
	fields, err := c.question(d)
	if err != nil {
		return err
	}
	r, err := s.ask(c, t, intake.Item{
		Fields: fields, APIKey: c.who.id(), Priority: waitingPriority, DedupeBy: []string{d.field()}, MaxAge: t.repeatable(),
	})
	if err != nil {
		return err
	}
	if r, err = s.settled(c, t, r.ID, until); err != nil {
		return err
	}
	return s.answerEnriched(c, d, r)
}

// repeatAge is how long a result answers the question that it was the answer to, also where the target keeps none: it may
// come while its caller waits to ask again.
const repeatAge = 2 * time.Minute

// repeatable returns how old an answer may be; nil for what the target says.
func (t *Target) repeatable() *time.Duration {
	if t.MaxAge == 0 || t.MaxAge >= repeatAge {
		return nil
	}
	age := repeatAge
	return &age
}

// answering returns the target that answers for the endpoint: of those that the caller's key reaches, that of the
// workspace main where there are several.
func (s *server) answering(c *call, d DropIn) (*Target, error) {
	if err := s.admit(c); err != nil {
		return nil, err
	}
	if err := c.who.allowed([]ledger.Scope{ledger.ScopeSend}); err != nil {
		return nil, err
	}
	if c.who.key != nil && c.who.key.Ingest != "" {
		return nil, refusal(forbidden, "this is an ingest key: it hands records in and gets no results; use an ordinary key")
	}
	if c.Method != http.MethodPost {
		c.w.Header().Set("Allow", http.MethodPost)
		return nil, refusal(methodNotAllowed, "Use POST")
	}
	var found []*Target
	targets := s.Targets()
	for i := range targets {
		if t := &targets[i]; slices.Contains(t.DropIn, d) && c.who.reaches(t.Name) {
			found = append(found, t)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) == 0:
		return nil, asClay(http.StatusNotFound, "no target answers %s here that the key reaches: set drop_in: {%s: TARGET} "+
			"in a workspace of the gateway's configuration, to one of its lookups, routines or tables", c.URL.Path, d)
	}
	for _, t := range found {
		if !strings.Contains(t.Name, "/") { // a bare name is one of main
			return t, nil
		}
	}
	return nil, asClay(http.StatusNotFound, "several workspaces answer %s: use a key that is bound to the targets of one", c.URL.Path)
}

// question reads the body: an object with the endpoint's field, and others that the target may use.
func (c *call) question(d DropIn) (json.RawMessage, error) {
	form, err := bodyFormat(c.Request)
	if err == nil && form != jsonBody {
		err = refusal(unsupported, "the Content-Type must be application/json")
	}
	if err != nil {
		return nil, err
	}
	raw, err := c.body(maxRecord)
	if err != nil {
		return nil, err
	}
	members, err := intake.Members(raw)
	if err != nil {
		return nil, refusal(invalid, "%s", err)
	}
	var sought string
	for _, m := range members {
		if m.Name == d.field() && json.Unmarshal(m.Value, &sought) != nil {
			return nil, refusal(invalid, "%q must be a text", d.field())
		}
	}
	if strings.TrimSpace(sought) == "" {
		return nil, refusal(invalid, "send what to look up: {%q: …}", d.field())
	}
	return raw, nil
}

// ask hands the question in.
func (s *server) ask(c *call, t *Target, item intake.Item) (ledger.Record, error) {
	ctx, done := c.change()
	defer done()
	accepted, err := s.Intake.SubmitAll(ctx, t.Name, []intake.Item{item})
	if err != nil {
		return ledger.Record{}, err
	}
	return accepted[0].Record, nil
}

// settled waits until a record has ended or cannot go on, the time is over or the gateway stops, and returns it as it is.
func (s *server) settled(c *call, t *Target, id ledger.RecordID, until time.Time) (r ledger.Record, err error) {
	wait := time.Until(until)
	c.patient(max(wait, 0))
	changed, cancel := s.Hub.Subscribe(id, ledger.Pauses)
	defer cancel()
	over := time.NewTimer(wait)
	defer over.Stop()
	for last := false; ; {
		records, err := s.Ledger.Records(c.Context(), []ledger.RecordID{id})
		if err != nil || len(records) == 0 {
			return r, missing(err)
		}
		if r = records[0]; r.State.Terminal() {
			return r, nil
		}
		if err := s.stuck(c, t); err != nil || last {
			return r, err
		}
		select {
		case <-changed:
		case <-over.C:
			last = true
		case <-s.Stop.Done():
			last = true
		case <-c.Context().Done():
			return r, c.Context().Err()
		}
	}
}

// stuck says why nothing can come of waiting: Clay refuses whatever is sent until somebody sees to it. The record stays,
// and goes on then. What a person has paused is merely late.
func (s *server) stuck(c *call, t *Target) error {
	status, err := s.Ledger.TargetStatus(c.Context(), t.Name)
	switch {
	case err != nil:
		return err
	case status.Paused.Status == http.StatusPaymentRequired:
		return asClay(http.StatusPaymentRequired, "%s", status.Paused.Reason)
	case status.Paused.Status != 0: // a 401 or a 404 of its own would blame the caller's key, or say that nobody was found
		return asClay(http.StatusBadGateway, "Clay refuses the gateway (%d): %s", status.Paused.Status, status.Paused.Reason)
	}
	return nil
}
