package api

import (
	"net/http"

	"github.com/claygate/claygate/internal/ledger"
)

// Stopped says what sending is stopped.
type Stopped struct {
	Stopped    *string           `json:"stopped"`    // why all of it is; null while it is not
	Workspaces map[string]string `json:"workspaces"` // why that of single workspaces is
}

func stoppedView(stops ledger.Stops) Stopped {
	v := Stopped{Workspaces: map[string]string{}}
	for workspace, reason := range stops {
		if workspace == ledger.Everything {
			v.Stopped = &reason
		} else {
			v.Workspaces[workspace] = reason
		}
	}
	return v
}

// stop answers POST /v1/stop: nothing is sent any more, of a workspace or of all, until start.
func (s *server) stop(c *call) error {
	which, err := c.which("workspace", "reason")
	if err != nil {
		return err
	}
	if err := s.note(c, ledger.StoppedSending, which.workspace); err != nil {
		return err
	}
	ctx, done := c.change()
	defer done()
	if err := s.Ledger.Stop(ctx, which.workspace, which.reason); err != nil {
		return err
	}
	return s.answerStopped(c)
}

// start answers POST /v1/start: it takes back the stop of the same workspace, or of all.
func (s *server) start(c *call) error {
	which, err := c.which("workspace")
	if err != nil {
		return err
	}
	if err := s.note(c, ledger.StartedSending, which.workspace); err != nil {
		return err
	}
	ctx, done := c.change()
	defer done()
	if err := s.Ledger.Start(ctx, which.workspace); err != nil {
		return err
	}
	return s.answerStopped(c)
}

func (s *server) answerStopped(c *call) error {
	stops, err := s.Ledger.Stopped(c.Context())
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, stoppedView(stops))
}

// stopping is what a body says to stop or start.
type stopping struct{ workspace, reason string }

// which reads what is to be stopped or started. A workspace that has no target may be stopped before it gets one.
func (c *call) which(names ...string) (which stopping, err error) {
	which.reason = "stopped through the API"
	members, err := c.members(names...)
	if err != nil {
		return which, err
	}
	for _, m := range members {
		text, err := textMember(m, maxReason)
		switch {
		case err != nil:
			return which, err
		case text == "":
		case m.Name == "workspace":
			which.workspace = text
		default:
			which.reason = text
		}
	}
	return which, nil
}
