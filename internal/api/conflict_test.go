package api_test

import (
	"testing"

	"github.com/claygate/claygate/internal/ledger"
)

// A target that refuses another input under way answers 409, under an idempotency key too: it was told that its key had
// come before, with another body.
func TestAnotherInputIsAConflict(t *testing.T) {
	strict := people
	strict.OnConflict = ledger.Reject
	f := newFake(strict, firms)
	g := newGateway(t, setup{store: f, hub: f.hub, dedupeBy: []string{"email"}})
	const path = "/v1/targets/people/records"
	g.submit("people", `{"fields":{"email":"a@example.com","n":1}}`)
	for _, header := range []string{"X-Nothing: 1", "Idempotency-Key: k"} {
		if got := g.do("POST", path, `{"fields":{"email":"a@example.com","n":2}}`, header); got.status != 409 {
			t.Errorf("with %s it is %d: %s", header, got.status, got.body)
		}
	}
}
