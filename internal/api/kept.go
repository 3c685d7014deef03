package api

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/claygate/claygate/internal/ledger"
)

// keptRun is the answer to a question about a run that has ended well, in exactly the fields that Clay documents: clients
// reject any other.
type keptRun struct {
	Run       string            `json:"routine_run_id"`
	Total     int               `json:"total"`
	Finished  int               `json:"finished"`
	Status    string            `json:"status"`
	Data      []json.RawMessage `json:"data,omitzero"`
	Cursor    string            `json:"cursor,omitempty"`
	ResultURL string            `json:"result_url,omitempty"`
}

// keptAnswer answers a question about a followed run of which everything is here, without Clay: as Clay would, and also when
// Clay has forgotten it. What it does not answer is Clay's to answer.
func (s *server) keptAnswer(c *call, up *Upstream) (answered bool, err error) {
	about, ok := c.aboutRun()
	if !ok || about.run == "" {
		return false, nil
	}
	run, err := s.Ledger.Named(c.Context(), up.Lane, about.run)
	switch {
	case ledger.KindOf(err) == ledger.NotFound:
		return false, nil
	case err != nil:
		return false, err
	case !run.Followed || run.State != ledger.RunDone && (run.State != ledger.RunLost || run.Brought == 0):
		return false, nil
	case run.Kind != about.kind: // whoever does not know which it is tries both
		return false, asClay(http.StatusNotFound, "the run is %s, and is asked for as such", run.Kind)
	}
	if run.State == ledger.RunLost {
		return s.keptEnd(c, up, run)
	}
	answer := keptRun{Run: run.Clay, Total: run.Brought, Finished: run.Brought, Status: "complete"}
	if run.Kind == ledger.Bulk {
		ok, err = s.keptLink(c, run, &answer)
	} else {
		ok, err = s.keptPage(c, run, &answer)
	}
	if !ok || err != nil {
		return false, err
	}
	body, err := json.Marshal(answer)
	if err != nil {
		return false, err
	}
	c.keptBack(up, body)
	return true, nil
}

// keptEnd answers with what Clay said of a run that ended without results.
func (s *server) keptEnd(c *call, up *Upstream, run ledger.Run) (answered bool, err error) {
	said, err := s.Ledger.Brought(c.Context(), run.ID, 0, 1)
	if err != nil || len(said) == 0 || string(said[0]) == "{}" { // it went with what was kept long enough, or was erased
		return false, err
	}
	c.keptBack(up, said[0])
	return true, nil
}

// keptBack writes an answer of the gateway's own as if it were Clay's.
func (c *call) keptBack(up *Upstream, body []byte) {
	c.w.Header().Set(kept, "true")
	c.passBack(up, &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(body)),
	})
}

// kept is the header of what the gateway answered without Clay.
const kept = "Claygate-Kept"

// The pages of a run's results, as Clay has them.
const (
	keptLimit    = 20
	maxKeptLimit = 100
	keptCursor   = "claygate_" // begins the cursors that the gateway gives out
)

// keptPage fills in a page of an inline run's results; ok is false when the question, or what is kept, is not whole.
func (s *server) keptPage(c *call, run ledger.Run, answer *keptRun) (ok bool, err error) {
	from, limit, ok := keptRange(c.URL.Query())
	if !ok || from > run.Brought {
		return false, nil
	}
	items, err := s.Ledger.Brought(c.Context(), run.ID, from, limit)
	if err != nil || len(items) != min(limit, run.Brought-from) {
		return false, err
	}
	answer.Data = make([]json.RawMessage, len(items))
	for i, item := range items {
		answer.Data[i] = keptItem(item)
	}
	if next := from + len(items); next < run.Brought {
		answer.Cursor = keptCursor + strconv.Itoa(next)
	}
	return true, nil
}

// keptItem is an item as it is given out: one that was erased says so, in the fields that Clay documents.
func keptItem(item []byte) []byte {
	if string(item) == "{}" {
		return []byte(`{"id":"","status":"failed","error":{"message":"` + ledger.ErasedReason + `"}}`)
	}
	return item
}

// keptRange returns which items a question is for; ok is false for what Clay would refuse, and for a cursor of Clay's.
func keptRange(query url.Values) (from, limit int, ok bool) {
	limit = keptLimit
	for name, values := range query {
		var err error
		switch {
		case len(values) != 1 || !slices.Contains([]string{"cursor", "limit"}, name):
			return 0, 0, false
		case name == "limit":
			limit, err = strconv.Atoi(values[0])
		case values[0] != "":
			place, ours := strings.CutPrefix(values[0], keptCursor)
			if from, err = strconv.Atoi(place); !ours {
				return 0, 0, false
			}
		}
		if err != nil {
			return 0, 0, false
		}
	}
	return from, limit, from >= 0 && limit >= 1 && limit <= maxKeptLimit
}
