package api

import (
	"context"
	"net/http"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// healthz says that the process lives.
func (s *server) healthz(c *call) error {
	return c.answer(http.StatusOK, map[string]string{"status": "ok"})
}

// fullTime is how long a gateway that found no space for a record is not ready. Then it is tried again.
const fullTime = 10 * time.Second

// readyz says whether requests make sense now: the ledger answers, and has space. Clay may be down: records wait for it.
func (s *server) readyz(c *call) error {
	if s.Stop.Err() != nil {
		return refusal(ledger.Unavailable, "the gateway is stopping")
	}
	if at := s.fullAt.Load(); at != 0 && time.Since(time.Unix(0, at)) < fullTime {
		return refusal(ledger.Full, "the ledger had no space for the last record")
	}
	ctx, cancel := context.WithTimeout(c.Context(), 2*time.Second)
	defer cancel()
	if _, err := s.Ledger.Stopped(ctx); err != nil {
		return err
	}
	return c.answer(http.StatusOK, map[string]string{"status": "ready"})
}
