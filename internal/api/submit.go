package api

import (
	"crypto/sha256"
	"net/http"
	"strings"
	"time"

	"github.com/claygate/claygate/internal/intake"
	"github.com/claygate/claygate/internal/ledger"
)

// waitingPriority is the priority of a record that somebody is waiting for: it leaves before any load.
const waitingPriority = 5

// submit answers POST /v1/targets/{target}/records.
func (s *server) submit(c *call) error {
	target, err := s.target(c)
	if err != nil {
		return err
	}
	form, err := bodyFormat(c.Request)
	if err != nil {
		return err
	}
	wait, err := c.wait()
	if err != nil {
		return err
	}
	def := intake.Item{}
	if wait > 0 {
		def.Priority = waitingPriority
	}
	if form == lineBody {
		return refusal(unsupported, "NDJSON is not understood yet")
	}
	raw, err := c.body(maxRecord)
	if err != nil {
		return err
	}
	return s.submitOne(c, one{target: target.Name, raw: raw, def: def, wait: wait})
}

// one is a single record to be handed in.
type one struct {
	target string
	raw    []byte
	def    intake.Item // what the request says for all of its records
	wait   time.Duration
}

func (s *server) submitOne(c *call, o one) error {
	item, err := parseItem(o.raw, o.def)
	if err != nil {
		return err
	}
	if item.Once, err = c.once(o.target, o.raw); err != nil {
		return err
	}
	answers, err := s.Intake.Submit(c.Context(), o.target, []intake.Item{item})
	if err != nil {
		return err
	}
	if err := answers[0].Err; err != nil {
		return onceError(err)
	}
	r, err := s.outcome(c, answers[0], item, o.wait)
	if err != nil {
		return err
	}
	if answers[0].Repeated {
		c.w.Header().Set("Idempotent-Replayed", "true")
	}
	return c.accepted(r)
}

// outcome returns what a record has come to, after waiting for it where the caller asked to.
func (s *server) outcome(c *call, a ledger.Acceptance, item intake.Item, wait time.Duration) (ledger.Record, error) {
	r := a.Record
	if !a.Repeated && !r.State.Terminal() && wait == 0 {
		r.Metadata = item.Metadata
		return r, nil
	}
	records, err := s.await(c, []ledger.RecordID{r.ID}, wait)
	if err != nil {
		return r, err
	}
	return records[0], nil
}

// accepted answers with a record: 200 when it has ended, else 202 and where to ask for it.
func (c *call) accepted(r ledger.Record) error {
	status := http.StatusOK
	if !r.State.Terminal() {
		status = http.StatusAccepted
		c.w.Header().Set("Location", "/v1/records/"+r.ID.String())
	}
	return c.answer(status, view(r))
}

// maxOnce is the longest idempotency key.
const maxOnce = 255

// once returns the request's idempotency key, nil for none.
func (c *call) once(target string, body []byte) (*ledger.Once, error) {
	values, ok := c.Header["Idempotency-Key"]
	if !ok {
		return nil, nil
	}
	key := values[0]
	if len(values) > 1 || key == "" || len(key) > maxOnce || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) {
		return nil, refusal(invalid, "the Idempotency-Key must be one text of 1 to %d ASCII characters", maxOnce)
	}
	return &ledger.Once{Key: digest(c.who.id(), target, key), Body: digest(string(body))}, nil
}

// digest hashes texts so that no other texts give the same.
func digest(texts ...string) ledger.Digest {
	h := sha256.New()
	for _, text := range texts {
		sum := sha256.Sum256([]byte(text))
		h.Write(sum[:])
	}
	return ledger.Digest(h.Sum(nil)[:16])
}

// onceError gives the conflict of an idempotency key its own status.
func onceError(err error) error {
	if ledger.KindOf(err) == ledger.Conflict {
		return refusal(keyReused, "this idempotency key came before, with another body")
	}
	return err
}
