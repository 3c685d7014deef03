package api

import (
	"net/http"

	"github.com/claygate/claygate/internal/intake"
	"github.com/claygate/claygate/internal/ledger"
)

const (
	maxArrayLength = 10_000 // records in one array: every one of them is answered with a whole record
	batchLength    = 500    // records that are accepted together
)

// submitArray hands the records of an array in. Each is answered in its place, with a record or a problem.
func (s *server) submitArray(c *call, sub submission, raw []byte) error {
	if err := c.notOnce(); err != nil {
		return err
	}
	elements, n, err := intake.Elements(raw, maxArrayLength)
	switch {
	case err != nil:
		return refusal(invalid, "%s", err)
	case n > maxArrayLength:
		return refusal(tooLarge, "the array has %d records, and %d is the most", n, maxArrayLength).
			but("send them as lines, with Content-Type: application/x-ndjson")
	case n > maxWaiting && sub.wait > 0:
		return refusal(invalid, "one request can wait for %d records at most, and there are %d", maxWaiting, n)
	}
	answers := make([]any, n)
	var accepted []place
	for start := 0; start < n; start += batchLength {
		end := min(start+batchLength, n)
		got, err := s.acceptElements(c, sub, elements[start:end], answers[start:end])
		if err != nil && start == 0 {
			return err
		}
		for _, p := range got {
			p.at += start
			accepted = append(accepted, p)
		}
	}
	open, err := s.settle(c, sub, accepted, answers)
	if err != nil {
		return err
	}
	number(answers)
	if open {
		return c.answer(http.StatusAccepted, answers)
	}
	return c.answer(http.StatusOK, answers)
}

// place is a record that was accepted, and where its answer belongs.
type place struct {
	at      int
	record  *ledger.Record
	differs bool
}

// acceptElements hands some elements in and writes the problems among their answers. When the ledger fails, that is the
// problem of each of them, and the error.
func (s *server) acceptElements(c *call, sub submission, elements []intake.Member, answers []any) ([]place, error) {
	var items []intake.Item
	var at []int
	for i, element := range elements {
		item, err := parseItem(element.Value, sub.def)
		if err != nil {
			answers[i] = s.problemOf(err)
			continue
		}
		items, at = append(items, item), append(at, i)
	}
	ctx, done := c.change()
	defer done()
	got, err := s.Intake.Submit(ctx, sub.target, items)
	var accepted []place
	for i, item := range items {
		switch {
		case err != nil:
			answers[at[i]] = s.problemOf(err)
		case got[i].Err != nil:
			answers[at[i]] = s.problemOf(got[i].Err)
		default:
			r := &got[i].Record
			r.Metadata = item.Metadata
			accepted = append(accepted, place{at: at[i], record: r, differs: got[i].Differs})
		}
	}
	return accepted, err
}

// settle waits for the accepted records, where the caller asked to, and writes their answers. Open says that some have
// not ended.
func (s *server) settle(c *call, sub submission, accepted []place, answers []any) (open bool, err error) {
	var ids []ledger.RecordID
	var of []*place
	for i := range accepted {
		if p := &accepted[i]; sub.wait > 0 || p.record.State.Terminal() { // of the others all is known
			ids, of = append(ids, p.record.ID), append(of, p)
		}
	}
	for start := 0; start < len(ids); start += batchLength {
		end := min(start+batchLength, len(ids))
		records, err := s.await(c, ids[start:end], sub.wait)
		if err != nil {
			return false, err
		}
		for i := range records {
			of[start+i].record = &records[i]
		}
	}
	for _, p := range accepted {
		answers[p.at] = shared(View(p.record), p.differs)
		open = open || !p.record.State.Terminal()
	}
	return open, nil
}

// number tells each problem its place.
func number(answers []any) {
	for i, answer := range answers {
		if p, ok := answer.(*Problem); ok {
			of := *p
			of.Index = &i
			answers[i] = &of
		}
	}
}
