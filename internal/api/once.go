package api

import (
	"crypto/sha256"
	"strings"

	"github.com/claygate/claygate/internal/ledger"
)

// maxOnce is the longest idempotency key.
const maxOnce = 255

// onceHeader names the idempotency key of a request with one record.
const onceHeader = "Idempotency-Key"

// once returns the request's idempotency key, nil for none.
func (c *call) once(target string, body []byte) (*ledger.Once, error) {
	values, ok := c.Header[onceHeader]
	if !ok {
		return nil, nil
	}
	key := values[0]
	odd := func(r rune) bool { return r < ' ' || r > '~' }
	if len(values) > 1 || key == "" || len(key) > maxOnce || strings.ContainsFunc(key, odd) {
		return nil, refusal(invalid, "the %s must be one text of 1 to %d ASCII characters", onceHeader, maxOnce)
	}
	return &ledger.Once{Key: digest(c.who.id(), target, key), Body: digest(string(body))}, nil
}

// notOnce refuses an idempotency key where it cannot hold.
func (c *call) notOnce() error {
	if _, ok := c.Header[onceHeader]; !ok {
		return nil
	}
	return refusal(invalid, "an %s is for one record, not for many", onceHeader).
		but("set dedupe_by on the target, or send the records one by one")
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
