package api

import "net/http"

// Stopped says whether all sending is stopped.
type Stopped struct {
	Stopped *string `json:"stopped"` // why; null while it is not
}

// stop answers POST /v1/stop: nothing is sent any more, until start.
func (s *server) stop(c *call) error {
	reason, err := c.reason("stopped through the API")
	if err != nil {
		return err
	}
	ctx, done := c.change()
	defer done()
	if err := s.Ledger.Stop(ctx, reason); err != nil {
		return err
	}
	return c.answer(http.StatusOK, Stopped{&reason})
}

// start answers POST /v1/start.
func (s *server) start(c *call) error {
	if _, err := c.members(); err != nil {
		return err
	}
	ctx, done := c.change()
	defer done()
	if err := s.Ledger.Start(ctx); err != nil {
		return err
	}
	return c.answer(http.StatusOK, Stopped{})
}
