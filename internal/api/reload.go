package api

import (
	"net/http"

	"github.com/claygate/claygate/internal/ledger"
)

// Reloaded is what reading the configuration again changed.
type Reloaded struct {
	Targets int      `json:"targets"` // that there are now
	Added   []string `json:"added"`
	Removed []string `json:"removed"` // their records stay as they are until they return
	Restart []string `json:"restart"` // keys of the configuration whose change takes a restart
}

// reload answers POST /v1/reload: the configuration is read again. With any mistake the one from before goes on, and the
// problem names all mistakes.
func (s *server) reload(c *call) error {
	if _, err := c.members(); err != nil {
		return err
	}
	if s.Reload == nil {
		return refusal(conflict, "this gateway has no configuration that it could read again")
	}
	if err := s.note(c, ledger.ReloadedConfig, ""); err != nil {
		return err
	}
	ctx, done := c.change()
	defer done()
	got, err := s.Reload(ctx)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, got)
}
