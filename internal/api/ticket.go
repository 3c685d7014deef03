package api

import (
	"net/http"

	"github.com/claygate/claygate/internal/ledger"
)

// rotateTickets answers POST /v1/tickets/rotate: rows are signed with another secret, in two minutes. What was signed with the
// former one is taken for 30 days.
func (s *server) rotateTickets(c *call) error {
	if _, err := c.members(); err != nil {
		return err
	}
	if err := s.note(c, ledger.RotatedTicketSecrets, ""); err != nil {
		return err
	}
	ctx, done := c.change()
	defer done()
	if err := s.Ledger.Rotate(ctx, "ticket"); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}
