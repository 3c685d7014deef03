package ledgertest

import (
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

var auditTests = map[string]func(*env){
	"in order":         auditOrder,
	"kept long enough": auditPruned,
}

// whats returns what was done, the newest first.
func (e *env) whats(before int64, max int) (all []string) {
	e.Helper()
	deeds, err := e.Deeds(e.Context(), before, max)
	e.must(err)
	for _, d := range deeds {
		all = append(all, string(d.What)+" "+d.On)
	}
	return all
}

func (e *env) note(what ledger.DeedKind, on string) {
	e.Helper()
	e.must(e.Note(e.Context(), ledger.Deed{Who: "key_1", What: what, On: on, N: 3}))
}

func auditOrder(e *env) {
	e.note(ledger.KeyCreated, "key_2")
	e.clock.Advance(time.Hour)
	e.note(ledger.StoppedSending, "")
	e.note(ledger.Replayed, "rec_1")
	e.reopen()
	e.same([]string{"record.replayed rec_1", "stopped ", "key.created key_2"}, e.whats(0, 9))
	deeds, err := e.Deeds(e.Context(), 0, 2)
	e.must(err)
	d := deeds[1]
	e.same([]any{"key_1", 3, e.clock.Now().Truncate(time.Microsecond).UnixMicro()}, []any{d.Who, d.N, d.At.UnixMicro()})
	e.same([]string{"key.created key_2"}, e.whats(d.Seq, 9))
}

func auditPruned(e *env) {
	e.note(ledger.KeyCreated, "key_2")
	e.clock.Advance(time.Hour)
	e.note(ledger.KeyRevoked, "key_2")
	e.clock.Advance(ledger.DefaultAudit - time.Hour)
	e.same(1, e.pruneAll(keep).Others)
	e.same([]string{"key.revoked key_2"}, e.whats(0, 9))
	e.same(1, e.pruneAll(ledger.Retention{Audit: time.Minute}).Others)
	e.note(ledger.KeyCreated, "key_3")
	e.same(0, e.pruneAll(keep).Others)
}
