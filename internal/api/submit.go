package api

import (
	"bytes"
	"net/http"
	"time"

	"github.com/claygate/claygate/internal/intake"
	"github.com/claygate/claygate/internal/ledger"
)

// waitingPriority is the priority of a record that somebody is waiting for: it leaves before any load.
const waitingPriority = 5

// submission is a request to hand records in.
type submission struct {
	target string
	def    intake.Item // what the request says for all of its records
	wait   time.Duration
}

// submit answers POST /v1/targets/{target}/records: one record, an array of them, or one on each line.
func (s *server) submit(c *call) error {
	target, err := s.target(c)
	if err != nil {
		return err
	}
	form, err := bodyFormat(c.Request)
	if err != nil {
		return err
	}
	sub, err := c.submission(target.Name)
	if err != nil {
		return err
	}
	if form == lineBody {
		return s.submitLines(c, sub)
	}
	raw, err := c.body(maxArray)
	if err != nil {
		return err
	}
	if first := bytes.TrimLeft(raw, " \t\r\n"); len(first) > 0 && first[0] == '[' {
		return s.submitArray(c, sub, raw)
	}
	return s.submitOne(c, sub, raw)
}

// submission reads what the request says beside its body.
func (c *call) submission(target string) (sub submission, err error) {
	params, err := c.params("wait", "max_age")
	if err != nil {
		return sub, err
	}
	sub.target, sub.def.APIKey = target, c.who.id()
	if sub.wait, err = c.wait(params); err != nil {
		return sub, err
	}
	if sub.wait > 0 {
		sub.def.Priority = waitingPriority
	}
	if params.Has("max_age") {
		age, err := span(params.Get("max_age"))
		if err != nil {
			return sub, refusal(invalid, `"max_age": %s`, err)
		}
		sub.def.MaxAge = &age
	}
	return sub, nil
}

func (s *server) submitOne(c *call, sub submission, raw []byte) error {
	if len(raw) > maxRecord {
		return refusal(tooLarge, "the body is %d bytes, and %d is the most for one record", len(raw), maxRecord)
	}
	a, err := s.take(c, sub, raw)
	if err != nil {
		return err
	}
	r := &a.Record
	if sub.wait > 0 || r.State.Terminal() {
		records, err := s.await(c, []ledger.RecordID{r.ID}, sub.wait)
		if err != nil {
			return err
		}
		r = &records[0]
	}
	return c.accepted(r, a.Differs)
}

// take hands one record in. The record that comes back is without its result.
func (s *server) take(c *call, sub submission, raw []byte) (*ledger.Acceptance, error) {
	item, err := parseItem(raw, sub.def)
	if err != nil {
		return nil, err
	}
	if item.Once, err = c.once(sub.target, raw); err != nil {
		return nil, err
	}
	ctx, done := c.change()
	defer done()
	answers, err := s.Intake.Submit(ctx, sub.target, []intake.Item{item})
	if err != nil {
		return nil, err
	}
	a := &answers[0]
	if a.Err != nil {
		return nil, a.Err
	}
	if a.Repeated {
		c.w.Header().Set("Idempotent-Replayed", "true")
	}
	a.Record.Metadata = item.Metadata // a repeated body says the same
	return a, nil
}

// accepted answers with a record: 200 when it has ended, else 202 and where to ask for it.
func (c *call) accepted(r *ledger.Record, differs bool) error {
	status := http.StatusOK
	if !r.State.Terminal() {
		status = http.StatusAccepted
		c.w.Header().Set("Location", "/v1/records/"+r.ID.String())
	}
	return c.write(status, shared(View(r), differs))
}
