package clay

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"
)

// Run is a run of a routine at Clay. It may be asked for from any process, for about
// a day after its end (docs/clay.md); keep its ID. It is safe for concurrent use.
type Run struct {
	// ID is what Clay calls routine_run_id.
	ID string
	// Bulk says that it was started with a file.
	Bulk bool

	c  *Client
	mu sync.Mutex
	// end is the answer that told of the end, kept so that Results need not ask again.
	end   *runAnswer
	endAt time.Time
}

// Run returns the run of that id that Routine.Run started, here or elsewhere.
func (c *Client) Run(id string) *Run { return &Run{ID: id, c: c} }

// BulkRun returns the run of that id that Routine.Bulk started, here or elsewhere.
func (c *Client) BulkRun(id string) *Run { return &Run{ID: id, Bulk: true, c: c} }

// The statuses of a run that Clay documents. The list is open: whatever else Clay says
// of a run is taken for an end.
const (
	RunInProgress       = "in_progress"
	RunComplete         = "complete"
	RunValidationFailed = "validation_failed" // bulk: the file is at fault
	RunProcessingFailed = "processing_failed" // bulk: may succeed with the same file
)

// Progress is how far a run has come.
type Progress struct {
	// Status is one of the Run constants, or what else Clay says.
	Status string
	// Total is how many items it has, Finished how many of them are done.
	Total, Finished int
}

// Done reports whether the run has ended, well or not.
func (p Progress) Done() bool { return p.Status != RunInProgress }

// runAnswer is what Clay says about a run, of either sort.
type runAnswer struct {
	Status    string       `json:"status"`
	Total     int          `json:"total"`
	Finished  int          `json:"finished"`
	Data      []ItemResult `json:"data"`
	Cursor    string       `json:"cursor"`
	ResultURL string       `json:"result_url"`
	Error     *runFailure  `json:"error"`
}

func (a *runAnswer) progress() Progress {
	return Progress{Status: a.Status, Total: a.Total, Finished: a.Finished}
}

const opResults = "run results"

// Page is one answer about an inline run.
type Page struct {
	Progress
	// Results are empty until the run has ended.
	Results []ItemResult
	// Cursor asks for the next page; empty on the last one.
	Cursor string
}

// Page asks for the results from cursor on, 100 at a time; "" is the beginning. The
// results come in no particular order. When Clay does not know the run (any more) the
// error is of KindNotFound. It is for inline runs; Results does it all.
func (r *Run) Page(ctx context.Context, cursor string) (Page, error) {
	if r.Bulk {
		return Page{}, refused(opResults, KindInvalid, "use Results", errors.New("the results of a bulk run have no pages"))
	}
	a, err := r.ask(ctx, cursor)
	if err != nil {
		return Page{}, err
	}
	return Page{Progress: a.progress(), Results: a.Data, Cursor: a.Cursor}, nil
}

// ask asks for the run's state and, at its end, for the page at cursor. It says what
// Clay said, also when the run failed.
func (r *Run) ask(ctx context.Context, cursor string) (*runAnswer, error) {
	out, a, err := ask[runAnswer](ctx, r.c, r.call(cursor))
	if err != nil {
		return nil, err
	}
	switch {
	case out.Status == "":
		return nil, incomplete(opResults, a, "it holds no status")
	case a.status == http.StatusAccepted && out.Status != RunInProgress:
		out.Status = RunInProgress // the HTTP status says that there is more to come
	}
	if out.Status != RunInProgress && cursor == "" {
		r.mu.Lock()
		r.end, r.endAt = &out, time.Now()
		r.mu.Unlock()
	}
	return &out, nil
}

func (r *Run) call(cursor string) call {
	// The limit is sent always: without it pages have 20 items and cost five times
	// the requests.
	q := url.Values{"limit": {strconv.Itoa(MaxRunItems)}}
	kind := "run"
	if r.Bulk {
		kind, q = "run-batch", nil
	} else if cursor != "" {
		q.Set("cursor", cursor)
	}
	return call{
		op: opResults, method: http.MethodGet, path: []string{"routines", kind, r.ID, "results"}, query: q,
		repeatable: rereads, hints: map[Kind]string{
			KindNotFound: "Clay keeps runs for about a day after their end; inline and bulk runs are asked for by different addresses (Client.Run, Client.BulkRun)",
		},
	}
}

// Poll asks once how far the run has come. A run that ended badly is no error here.
func (r *Run) Poll(ctx context.Context) (Progress, error) {
	a, err := r.ask(ctx, "")
	if err != nil {
		return Progress{}, err
	}
	return a.progress(), nil
}

// Results waits until the run has ended and yields what became of each item, in no
// particular order. It ends with the first error, which is then the last thing it
// yields. Each use asks Clay anew; results are kept for about a day.
//
// The results of a bulk run are a file, which is read as it is yielded; when that
// breaks, it goes on where it was.
//
// A run that ended without results yields an error of KindRunFailed.
func (r *Run) Results(ctx context.Context) iter.Seq2[ItemResult, error] {
	return func(yield func(ItemResult, error) bool) {
		if _, err := r.Wait(ctx, WaitOptions{}); err != nil {
			yield(ItemResult{}, err)
			return
		}
		if r.Bulk {
			r.download(ctx, yield)
			return
		}
		r.pages(ctx, yield)
	}
}

func (r *Run) pages(ctx context.Context, yield func(ItemResult, error) bool) {
	a := r.takeEnd()
	for seen := (map[string]bool{}); ; {
		for _, item := range a.Data {
			if !yield(item, nil) {
				return
			}
		}
		cursor := a.Cursor
		if cursor == "" {
			return
		}
		if seen[cursor] { // or it would go on for ever
			yield(ItemResult{}, incomplete(opResults, answer{status: http.StatusOK}, "its pages go round in a circle"))
			return
		}
		seen[cursor] = true
		next, err := r.ask(ctx, cursor)
		if err == nil && next.Status != RunComplete {
			err = r.failed(next)
		}
		if err != nil {
			yield(ItemResult{}, err)
			return
		}
		a = next
	}
}

// takeEnd returns the answer that Wait has just seen.
func (r *Run) takeEnd() *runAnswer {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.end
}
