package api

import (
	"encoding/json"
	"net/http"

	"github.com/claygate/claygate/internal/intake"
	"github.com/claygate/claygate/internal/ledger"
)

// maxReason is the longest reason that a caller can give.
const maxReason = 500

// replay answers POST /v1/records/{id}/replay: the record is sent again, which costs again.
func (s *server) replay(c *call) error {
	if _, err := c.members(); err != nil {
		return err
	}
	return s.apply(c, ledger.Replay{})
}

// resolve answers POST /v1/records/{id}/resolve: somebody looked whether the row is at Clay.
func (s *server) resolve(c *call) error {
	members, err := c.members("arrived")
	if err != nil {
		return err
	}
	var arrived *bool
	if len(members) > 0 && json.Unmarshal(members[0].Value, &arrived) != nil || arrived == nil {
		return refusal(invalid, `"arrived" must be true or false: is the row in the Clay table?`)
	}
	return s.apply(c, ledger.Resolve{Arrived: *arrived})
}

// cancel answers POST /v1/records/{id}/cancel: the record is not sent, if it has not been yet.
func (s *server) cancel(c *call) error {
	reason, err := c.reason("canceled through the API")
	if err != nil {
		return err
	}
	return s.apply(c, ledger.Cancel{Reason: reason})
}

// apply lets an event happen to the record that the path names, and answers with what it led to.
func (s *server) apply(c *call, e ledger.Event) error {
	id, err := c.recordID()
	if err != nil {
		return err
	}
	if _, err := s.reachable(c, id); err != nil {
		return err
	}
	if err := s.note(c, deedOf(e), id.String()); err != nil {
		return err
	}
	ctx, done := c.change()
	defer done()
	applied, err := s.Ledger.Apply(ctx, []ledger.Entry{{Record: id, Event: e}})
	if err != nil {
		return err
	}
	if err := applied[0].Err; err != nil {
		return err
	}
	r, err := s.reachable(c, id)
	if err != nil {
		return err
	}
	return c.write(http.StatusOK, View(r))
}

// recordID returns the record that the path names.
func (c *call) recordID() (ledger.RecordID, error) {
	id, err := ledger.ParseRecordID(c.PathValue("id"))
	if err != nil {
		return id, refusal(notFound, "there is no such record: %s", err)
	}
	return id, nil
}

// reason reads the reason that a body gives, or the default.
func (c *call) reason(otherwise string) (string, error) {
	members, err := c.members("reason")
	if err != nil || len(members) == 0 {
		return otherwise, err
	}
	text, err := textMember(members[0], maxReason)
	if text == "" {
		text = otherwise
	}
	return text, err
}

// textMember reads a member that is a text, or null for none.
func textMember(m intake.Member, most int) (string, error) {
	var text *string
	if json.Unmarshal(m.Value, &text) != nil || text != nil && len(*text) > most {
		return "", refusal(invalid, "%q must be a text of at most %d bytes", m.Name, most)
	}
	if text == nil {
		return "", nil
	}
	return *text, nil
}
