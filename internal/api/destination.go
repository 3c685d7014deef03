package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/claygate/claygate/internal/ledger"
)

// Destination is where the ends of records are forwarded, as callers see it.
type Destination struct {
	Name        string  `json:"name"`        // "@" and a host for the callback URLs there
	Disabled    *string `json:"disabled"`    // why nothing is delivered; null when it is
	Waiting     int     `json:"waiting"`     // deliveries that wait or are under way
	Undelivered int     `json:"undelivered"` // given up, until somebody asks for them again
}

// Destinations is the list of destinations.
type Destinations struct {
	Destinations []Destination `json:"destinations"`
}

// Redelivered says how many deliveries there will be.
type Redelivered struct {
	Deliveries int `json:"deliveries"`
}

// maxRedelivery is how many records one request can have forwarded again.
const maxRedelivery = 500

func (s *server) destinationRoutes() {
	const destination = "/v1/destinations/{destination}"
	s.on("POST /v1/records/{id}/redeliver", s.redeliver, ledger.ScopeReplay)
	s.on("POST /v1/redeliver", s.redeliverMany, ledger.ScopeReplay)
	s.onAll("GET /v1/destinations", s.destinations)
	s.onAll("POST "+destination+"/redeliver", s.redeliverUndelivered)
	s.onAll("POST "+destination+"/disable", s.disable)
	s.onAll("POST "+destination+"/enable", s.enable)
}

// redeliver answers POST /v1/records/{id}/redeliver: the record's end is forwarded again. It costs nothing at Clay.
func (s *server) redeliver(c *call) error {
	id, err := c.recordID()
	if err != nil {
		return err
	}
	members, err := c.members("destination")
	if err != nil {
		return err
	}
	what := ledger.Redelivery{Records: []ledger.RecordID{id}}
	if len(members) > 0 {
		if what.Destination, err = textMember(members[0], maxReason); err != nil {
			return err
		}
	}
	return s.again(c, what)
}

// redeliverMany answers POST /v1/redeliver.
func (s *server) redeliverMany(c *call) error {
	members, err := c.members("records", "destination")
	if err != nil {
		return err
	}
	var what ledger.Redelivery
	for _, m := range members {
		switch m.Name {
		case "records":
			err = json.Unmarshal(m.Value, &what.Records)
			if err != nil {
				err = refusal(invalid, `"records" must be a list of record IDs`)
			}
		default:
			what.Destination, err = textMember(m, maxReason)
		}
		if err != nil {
			return err
		}
	}
	if len(what.Records) == 0 || len(what.Records) > maxRedelivery {
		return refusal(invalid, `"records" must name from 1 to %d records`, maxRedelivery)
	}
	return s.again(c, what)
}

// again forwards records again that the caller's key reaches.
func (s *server) again(c *call, what ledger.Redelivery) error {
	for _, id := range what.Records {
		if _, err := s.reachable(c, id); err != nil {
			return err
		}
	}
	deed := ledger.Deed{What: ledger.Redelivered, On: what.Destination, N: len(what.Records)}
	if deed.N == 1 {
		deed.On = what.Records[0].String()
	}
	if err := s.noteAll(c, deed); err != nil {
		return err
	}
	ctx, done := c.change()
	defer done()
	n, err := s.Ledger.Redeliver(ctx, what)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, Redelivered{n})
}

// redeliverUndelivered answers POST /v1/destinations/{destination}/redeliver: what was given up is tried again.
func (s *server) redeliverUndelivered(c *call) error {
	if _, err := c.members(); err != nil {
		return err
	}
	return s.again(c, ledger.Redelivery{Destination: c.PathValue("destination"), Dead: true})
}

// disable answers POST /v1/destinations/{destination}/disable: what ends meanwhile is kept.
func (s *server) disable(c *call) error {
	reason, err := c.reason("disabled through the API")
	if err != nil {
		return err
	}
	ctx, done := c.change()
	defer done()
	if err := s.destined(c); err != nil {
		return err
	}
	if err := s.note(c, ledger.DisabledDestination, c.PathValue("destination")); err != nil {
		return err
	}
	if err := s.Ledger.Disable(ctx, c.PathValue("destination"), reason); err != nil {
		return err
	}
	return s.destinations(c)
}

// enable answers POST /v1/destinations/{destination}/enable.
func (s *server) enable(c *call) error {
	if _, err := c.members(); err != nil {
		return err
	}
	ctx, done := c.change()
	defer done()
	if err := s.destined(c); err != nil {
		return err
	}
	if err := s.note(c, ledger.EnabledDestination, c.PathValue("destination")); err != nil {
		return err
	}
	if err := s.Ledger.Enable(ctx, c.PathValue("destination")); err != nil {
		return err
	}
	return s.destinations(c)
}

// destined refuses destinations that there are not.
func (s *server) destined(c *call) error {
	all, err := s.allDestinations(c)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(all, func(d Destination) bool { return d.Name == c.PathValue("destination") }) {
		return refusal(notFound, "there is no destination %.100q", c.PathValue("destination")).but("GET /v1/destinations lists them")
	}
	return nil
}

// destinations answers GET /v1/destinations.
func (s *server) destinations(c *call) error {
	all, err := s.allDestinations(c)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, Destinations{all})
}

// allDestinations returns those that are configured, and those to which something is still to be delivered.
func (s *server) allDestinations(c *call) ([]Destination, error) {
	standing, err := s.Ledger.Destinations(c.Context())
	if err != nil {
		return nil, err
	}
	all := []Destination{}
	for _, d := range standing {
		one := Destination{Name: d.Destination, Waiting: d.Waiting, Undelivered: d.Dead}
		if d.Disabled != "" {
			one.Disabled = &d.Disabled
		}
		all = append(all, one)
	}
	for _, t := range s.Targets() {
		for _, name := range t.Destinations() {
			if !slices.ContainsFunc(all, func(d Destination) bool { return d.Name == name }) {
				all = append(all, Destination{Name: name})
			}
		}
	}
	slices.SortFunc(all, func(a, b Destination) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}
