package api

import (
	"bytes"
	"encoding/json"
	"net/http"

	"github.com/claygate/claygate/internal/ledger"
)

// answerEnriched answers with what a record came to: its result alone, as Clay would. Everything else is a refusal, none of
// whose members has the name of an enriched field, because a usual client takes any JSON for its person.
func (s *server) answerEnriched(c *call, d DropIn, r ledger.Record) error {
	c.w.Header().Set("Claygate-Record", r.ID.String())
	switch {
	case r.State == ledger.Done && !r.Empty && r.Result != nil:
		if r.Cached {
			c.w.Header().Set("Claygate-Cached", "true")
		}
		if r.Emulated {
			c.w.Header().Set("Claygate-Emulated", "true")
		}
		return c.write(http.StatusOK, withSought(d, r))
	case r.State == ledger.Done:
		return asClay(http.StatusNotFound, "nothing was found")
	case r.State == ledger.Dead:
		status, err := s.whyDead(c, r)
		if err != nil {
			return err
		}
		return asClay(status, "%s", r.Reason)
	case r.State == ledger.Expired:
		return asClay(http.StatusGatewayTimeout, "%s", r.Reason)
	case r.State == ledger.Canceled:
		return asClay(http.StatusConflict, "it was canceled: %s", r.Reason)
	}
	return &clayRefusal{
		status: http.StatusTooManyRequests, after: dropInAgain,
		message: "it is not finished yet: ask the same again, and it joins the same work (" + r.ID.String() + ", " + string(r.State) + ")",
	}
}

// whyDead returns the status of a record that failed: 400 when Clay refused what was sent, else 502.
func (s *server) whyDead(c *call, r ledger.Record) (int, error) {
	of := r.ID
	if !r.Leader.IsZero() {
		of = r.Leader
	}
	attempts, err := s.Ledger.Attempts(c.Context(), of)
	if err != nil || len(attempts) == 0 {
		return http.StatusBadGateway, err
	}
	switch attempts[len(attempts)-1].Status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		return http.StatusBadRequest, nil
	}
	return http.StatusBadGateway, nil
}

// withSought returns the result, with what was asked for where the target does not send it back, as Clay's endpoints do.
func withSought(d DropIn, r ledger.Record) []byte {
	var result, asked map[string]json.RawMessage
	if json.Unmarshal(r.Result, &result) != nil || json.Unmarshal(r.Fields, &asked) != nil || len(result) == 0 {
		return r.Result
	}
	if _, there := result[d.field()]; there || asked[d.field()] == nil {
		return r.Result
	}
	b := appendText([]byte("{"), d.field())
	b = append(append(b, ':'), asked[d.field()]...)
	b = append(b, ',')
	_, members, _ := bytes.Cut(r.Result, []byte("{"))
	return append(b, members...)
}
