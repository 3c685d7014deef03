package api

import (
	"cmp"
	"encoding/json"
	"net/http"
	"time"

	"github.com/claygate/claygate/internal/intake"
	"github.com/claygate/claygate/internal/ledger"
)

// Erased is what an erasure did, and what it cannot do.
type Erased struct {
	Records   int `json:"records"`   // whose data is gone
	Canceled  int `json:"canceled"`  // of these: had not ended, and are never sent
	AtClay    int `json:"at_clay"`   // of these: may have left a row at Clay
	Unmatched int `json:"unmatched"` // callbacks that matched no record, and items of runs that callers started themselves
	// StillHeld says who else may hold the data.
	StillHeld []string `json:"still_held"`
}

const (
	// maxErased is how many records one request can name.
	maxErased = 500
	// eraseTime bounds an erasure. It looks through everything that a target holds when it is asked to search.
	eraseTime = 10 * time.Minute
)

// stillHeld is what no erasure here reaches.
var stillHeld = []string{
	"Clay: its tables and runs keep their rows until they are deleted there",
	"destinations and callback URLs: they keep what they were given",
	"backups, and copies of the ledger from before a migration",
}

// erase answers POST /v1/erase. Whose data it is stands in the body: a URL would end up in logs.
func (s *server) erase(c *call) error {
	what, err := s.erasing(c)
	if err != nil {
		return err
	}
	if err := s.noteAll(c, ledger.Deed{What: ledger.ErasedData, On: cmp.Or(what.Target, what.Workspace), N: len(what.Records)}); err != nil {
		return err
	}
	c.patient(eraseTime)
	ctx, done := c.changeWithin(eraseTime)
	defer done()
	erased, err := s.Intake.Erase(ctx, s.Ledger, what)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, Erased{erased.Records, erased.Canceled, erased.AtClay, erased.Loose, stillHeld})
}

// erasing reads whose data is to go, as far as the caller's key reaches it.
func (s *server) erasing(c *call) (what intake.Erasing, err error) {
	members, err := c.members("records", "target", "workspace", "fields", "search", "all")
	if err != nil {
		return what, err
	}
	what.Search = true
	for _, m := range members {
		switch m.Name {
		case "records":
			if json.Unmarshal(m.Value, &what.Records) != nil {
				err = refusal(invalid, `"records" must be a list of record IDs`)
			}
		case "target":
			what.Target, err = textMember(m, maxReason)
		case "workspace":
			what.Workspace, err = textMember(m, maxReason)
		case "fields":
			what.Fields = m.Value
		case "search":
			what.Search, err = boolMember(m)
		case "all":
			what.All, err = boolMember(m)
		}
		if err != nil {
			return what, err
		}
	}
	if len(what.Records) > 0 {
		return what, s.erasingRecords(c, what)
	}
	if what.Workspace != "" {
		return s.erasingWorkspace(c, what)
	}
	if what.Target == "" || what.All == (what.Fields != nil) {
		return what, refusal(invalid, `say whose data: "records", a "target" with the "fields" of a person or "all": true, or a "workspace" with "all": true`)
	}
	what.Target, err = s.watched(c, what.Target)
	what.Runs = c.who.key == nil || c.who.key.Whole(ledger.WorkspaceOf(what.Target))
	return what, err
}

// erasingWorkspace finds what a whole workspace is, as far as the caller's key covers it.
func (s *server) erasingWorkspace(c *call, what intake.Erasing) (_ intake.Erasing, err error) {
	if !what.All || what.Target != "" || what.Fields != nil {
		return what, refusal(invalid, `a "workspace" is erased as a whole: with "all": true, and nothing else`)
	}
	what.Targets, err = s.workspaceTargets(c, what.Workspace)
	return what, err
}

func (s *server) erasingRecords(c *call, what intake.Erasing) error {
	if len(what.Records) > maxErased || what.Target+what.Workspace != "" || what.Fields != nil || what.All {
		return refusal(invalid, `"records" are at most %d, and stand alone`, maxErased)
	}
	for _, id := range what.Records {
		if _, err := s.reachable(c, id); err != nil {
			return err
		}
	}
	return nil
}
