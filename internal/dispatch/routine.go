package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/internal/ledger"
)

// Starter makes single tries to start runs, as a [clay.Routine] of a client without retries and pace does.
type Starter interface {
	RunOnce(ctx context.Context, items []clay.Item, opts clay.RunOptions) (*clay.Run, error)
	Upload(ctx context.Context, items iter.Seq[clay.Item]) (clay.File, error)
	StartBulkOnce(ctx context.Context, fileID string, opts clay.RunOptions) (*clay.Run, error)
}

// Routine drives a routine of Clay's Public API.
type Routine struct {
	Routine Starter
	// Inputs names, for each of the routine's inputs, the record's field that it gets. Empty: the fields are the inputs.
	Inputs map[string]string
	// CompletionWebhook is the id (wh_…) of the completion webhook that is to hear of the runs' ends. Default none.
	CompletionWebhook string
}

// uploadMargin is kept back of a claim's time for the start after an upload: one that began later could be under way
// when its records are given up.
const uploadMargin = 2 * time.Minute

// Start implements [Runner].
func (r *Routine) Start(ctx context.Context, s RunStart) ledger.RunAnswer {
	if s.Run.Kind == ledger.Bulk {
		return r.startBulk(ctx, s)
	}
	items := make([]clay.Item, 0, len(s.Work))
	for _, c := range s.Work {
		items = append(items, r.item(c.Record))
	}
	// Not cancelled when claiming ends: a start that is cut off is one whose fate nobody knows.
	return begun(r.Routine.RunOnce(context.WithoutCancel(ctx), items, r.options()))
}

func (r *Routine) options() clay.RunOptions { return clay.RunOptions{WebhookID: r.CompletionWebhook} }

// startBulk uploads the records and starts a run for the file. Until the start nothing is lost by giving up.
func (r *Routine) startBulk(ctx context.Context, s RunStart) ledger.RunAnswer {
	upload, cancel := context.WithTimeoutCause(ctx, ledger.RunClaimTimeout-uploadMargin, fmt.Errorf("the upload took too long"))
	defer cancel()
	var unread error
	file, err := r.Routine.Upload(upload, func(yield func(clay.Item) bool) {
		for record, err := range s.Records {
			if err != nil {
				unread = err
				cancel()
				return
			}
			if len(record.Fields) > 0 && !yield(r.item(record)) {
				return
			}
		}
	})
	if err == nil && unread == nil {
		err = s.Token(upload)
	}
	switch {
	case unread != nil:
		return ledger.RunAnswer{Answer: released}
	case err != nil && ctx.Err() != nil:
		return ledger.RunAnswer{Answer: released}
	case err != nil:
		verdict := uploadVerdict
		if e, ok := errors.AsType[*clay.Error](err); ok && e.Op == clay.OpStore {
			verdict = storeVerdict
		}
		answer := failed(err, verdict)
		answer.Outcome = ledger.NotSent // whatever became of the file, no run was started
		return ledger.RunAnswer{Answer: answer}
	}
	return begun(r.Routine.StartBulkOnce(context.WithoutCancel(ctx), file.ID, r.options()))
}

// begun turns what a start returned into the ledger's answer.
func begun(run *clay.Run, err error) ledger.RunAnswer {
	if err != nil {
		return ledger.RunAnswer{Answer: failed(err, routineVerdict)}
	}
	return ledger.RunAnswer{Answer: ledger.Answer{Outcome: ledger.Answered, Verdict: ledger.Accepted, Status: 202}, Clay: run.ID}
}

// item is a record as Clay takes it. Its ID comes back with the result.
func (r *Routine) item(record ledger.Record) clay.Item {
	if len(r.Inputs) == 0 {
		return clay.Item{ID: record.ID.String(), Inputs: record.Fields}
	}
	var fields map[string]json.RawMessage
	inputs := map[string]json.RawMessage{}
	if json.Unmarshal(record.Fields, &fields) == nil { // they were checked at intake
		for input, field := range r.Inputs {
			if value, ok := fields[field]; ok {
				inputs[input] = value
			}
		}
	}
	return clay.Item{ID: record.ID.String(), Inputs: inputs}
}

// routineVerdict is the start's column of the outcome table (docs/decisions/0010-runs.md). A start costs, and nothing
// would tell two of them apart, so whatever may have arrived is doubtful.
func routineVerdict(k clay.Kind) ledger.Verdict {
	switch k {
	case clay.KindPartial, clay.KindUnavailable, clay.KindBadAnswer:
		return ledger.Doubtful
	case clay.KindInvalid:
		return ledger.Divided
	default:
		return tableVerdict(k)
	}
}

// uploadVerdict is the upload's: until the start nothing costs.
func uploadVerdict(k clay.Kind) ledger.Verdict {
	switch v := routineVerdict(k); v {
	case ledger.Doubtful:
		return ledger.Unsent
	default:
		return v
	}
}

// storeVerdict is that of putting the file where Clay said. The store knows neither key nor routine: what it refuses is
// an address that has died, and no reason to pause the target.
func storeVerdict(k clay.Kind) ledger.Verdict {
	switch k {
	case clay.KindUnauthorized, clay.KindPaymentRequired, clay.KindForbidden, clay.KindExhausted, clay.KindNotFound, clay.KindDeprecated:
		return ledger.Unsent
	}
	return uploadVerdict(k)
}
