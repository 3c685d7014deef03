package claytest

import (
	"encoding/json"
	"time"
)

// opRun is the line of a run of a routine that was started; its body is a savedRun.
const opRun = "run"

// savedRun is a run as the journal has it: with all that decides how it goes on.
type savedRun struct {
	RoutineRun
	Records []item       `json:"records,omitempty"`
	Paid    int          `json:"paid"`
	Due     time.Time    `json:"due"`
	Stalled bool         `json:"stalled,omitempty"`
	Failed  bool         `json:"failed,omitempty"`
	Invalid *invalidFile `json:"invalid,omitempty"`
}

func (j *journal) run(r *run) error {
	if j == nil {
		return nil
	}
	return j.append(runLine(r))
}

// runLine returns a run's line and its body.
func runLine(r *run) (entry, []byte) {
	body := encode(savedRun{r.RoutineRun, r.items, r.paid, r.due, r.stalled, r.failed, r.invalid})
	return entry{Op: opRun, T: r.At.UnixNano(), Run: r.Number}, []byte(body)
}

// replayRun takes a run's line up.
func (b *book) replayRun(body []byte) {
	var saved savedRun
	if json.Unmarshal(body, &saved) != nil {
		return // of another version: that run is forgotten, as Clay forgets runs
	}
	b.runs = append(b.runs, &run{
		RoutineRun: saved.RoutineRun, items: saved.Records, paid: saved.Paid, due: saved.Due,
		stalled: saved.Stalled, failed: saved.Failed, invalid: saved.Invalid,
	})
	b.runNumber = saved.Number
	b.stats.Runs++
	b.stats.Items += len(saved.Items)
}

// openRuns returns the runs that can still be asked for, and forgets the others.
func (b *book) openRuns(now time.Time) []*run {
	var open []*run
	for _, r := range b.runs {
		if r.stalled || !now.After(r.due.Add(b.retention)) {
			open = append(open, r)
		}
	}
	b.runs = open
	return open
}

// restoreRuns brings back the runs that the journal holds. The end of one that goes on is still to be told.
func (s *Server) restoreRuns() {
	now := time.Now()
	for _, r := range s.book.openRuns(now) {
		s.api.runs[r.ID] = r
		s.api.order = append(s.api.order, r)
		if r.due.After(now) {
			s.announce(r)
		}
	}
	s.api.number = s.book.runNumber
}
