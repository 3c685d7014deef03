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

// readyz says whether requests make sense now: the ledger answers. Clay may be down: records wait for it.
func (s *server) readyz(c *call) error {
	if s.Stop.Err() != nil {
		return refusal(ledger.Unavailable, "the gateway is stopping")
	}
	ctx, cancel := context.WithTimeout(c.Context(), 2*time.Second)
	defer cancel()
	if _, err := s.Ledger.Stopped(ctx); err != nil {
		return err
	}
	return c.answer(http.StatusOK, map[string]string{"status": "ready"})
}
