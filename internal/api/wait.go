package api

import (
	"net/url"
	"strings"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

const (
	maxWait    = 100 * time.Second // the front ends of many hosts cut a request off after 100 s or more
	maxWaiting = 100               // records that one request can wait for
)

// wait returns how long the caller wants to wait for an end: ?wait=30s, or the header Prefer: wait=30.
func (c *call) wait(params url.Values) (time.Duration, error) {
	if params.Has("wait") {
		d, err := span(params.Get("wait"))
		if err != nil || d > maxWait {
			return 0, refusal(invalid, `"wait" must be a time of at most %s, such as 30s`, "100s")
		}
		return d, nil
	}
	for _, header := range c.Header["Prefer"] {
		for preference := range strings.SplitSeq(header, ",") {
			text, ok := strings.CutPrefix(strings.TrimSpace(preference), "wait=")
			if !ok {
				continue
			}
			if d, err := seconds(text); err == nil { // a preference that makes no sense is passed over
				c.w.Header().Set("Preference-Applied", "wait="+text)
				return min(d, maxWait), nil
			}
		}
	}
	return 0, nil
}

// await waits until all the records have ended, the time is over, or the gateway stops, and returns them as they then
// are. It hears of each change and asks for nothing meanwhile. A client that leaves ends it at once.
func (s *server) await(c *call, ids []ledger.RecordID, wait time.Duration) ([]ledger.Record, error) {
	c.patient(wait)
	changed := make([]<-chan struct{}, len(ids))
	for i, id := range ids {
		ch, cancel := s.Hub.Subscribe(id)
		defer cancel()
		changed[i] = ch
	}
	ctx := c.Context()
	records, err := s.Ledger.Records(ctx, ids)
	if err != nil || len(records) < len(ids) {
		return nil, missing(err)
	}
	over := time.NewTimer(wait)
	defer over.Stop()
	for i := range records {
		for !records[i].State.Terminal() {
			select {
			case <-changed[i]:
				now, err := s.Ledger.Records(ctx, ids[i:i+1])
				if err != nil || len(now) == 0 {
					return nil, missing(err)
				}
				records[i] = now[0]
			case <-over.C:
				return s.Ledger.Records(ctx, ids)
			case <-s.Stop.Done():
				return s.Ledger.Records(ctx, ids)
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
	}
	return records, nil
}

// missing is why a record could not be read that was there before.
func missing(err error) error {
	if err != nil {
		return err
	}
	return refusal(notFound, "a record was erased meanwhile")
}
