package collect

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"maps"
	"net/http"
	"slices"

	"github.com/claygate/claygate/internal/ledger"
)

// SecretHeader is the static header that a Clay column can send, because Clay signs no callback (docs/clay.md).
const SecretHeader = "X-Claygate-Secret"

// Target says how callbacks of one target are taken.
type Target struct {
	Name string
	// TicketField is the field that carries the ticket; [ledger.TicketField] by default.
	TicketField string
	// Secret, when set, must come in the header [SecretHeader] of every callback.
	Secret string
}

// admits returns nil when the request brings the target's secret.
func (t Target) admits(r *http.Request) *refused {
	if t.Secret == "" || same(r.Header.Get(SecretHeader), t.Secret) {
		return nil
	}
	return &refused{http.StatusUnauthorized, "the header " + SecretHeader + " is missing or wrong: set it in the column", 0}
}

// same compares secrets in a time that depends on neither.
func same(got, want string) bool {
	a, b := sha256.Sum256([]byte(got)), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// target returns the one that the callback's URL names, with its workspace or without.
func (c *Callbacks) target(name string) (Target, bool) {
	targets := *c.targets.Load()
	if t, ok := targets[name]; ok {
		return t, true
	}
	names := slices.Collect(maps.Keys(targets))
	i := ledger.FindTarget(slices.Values(names), name)
	if i < 0 {
		return Target{}, false
	}
	return targets[names[i]], true
}

// owned asks for the secret of the target that the record belongs to, when the callback came to the URL of another one:
// whoever has a ticket could otherwise go around the secret. Only where secrets differ is the ledger asked.
func (c *Callbacks) owned(ctx context.Context, r *http.Request, came Target, record ledger.RecordID) *refused {
	targets := *c.targets.Load()
	differs := func(t Target) bool { return t.Secret != "" && t.Secret != came.Secret }
	if !slices.ContainsFunc(slices.Collect(maps.Values(targets)), differs) {
		return nil
	}
	records, err := c.store.Records(ctx, []ledger.RecordID{record})
	switch {
	case err != nil:
		c.log.Error("the ledger did not say whose a callback is", "error", err)
		return busy
	case len(records) == 0:
		return nil
	}
	return targets[records[0].Target].admits(r)
}
