package claytest

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// RoutineRun is one run of a routine, as the server keeps it.
type RoutineRun struct {
	// Number counts the server's runs from 1.
	Number int `json:"number"`
	// ID is what Clay calls routine_run_id.
	ID      string    `json:"id"`
	Routine string    `json:"routine"`
	Bulk    bool      `json:"bulk,omitempty"`
	At      time.Time `json:"at"`
	// Items are the ids of its items, in the order in which they were sent; none for
	// a bulk run whose file was refused.
	Items []string `json:"items"`
	// Webhook is the id of the webhook that hears of its end, or empty.
	Webhook string `json:"webhook,omitempty"`
}

// run is a run and how it will end.
type run struct {
	RoutineRun
	items   []item
	paid    int // so many items, from the first on
	due     time.Time
	stalled bool         // never ends
	failed  bool         // a bulk run that ends as processing_failed
	invalid *invalidFile // of a bulk run that ends as validation_failed
}

// item is one item of a run.
type item struct {
	ID     string         `json:"id"`
	Inputs map[string]any `json:"inputs"`
}

// api is the state behind the Public API.
type api struct {
	limiter *limiter
	credits credits

	sending sync.WaitGroup // completion webhooks that are due

	mu              sync.Mutex
	born            time.Time // goes into ids, so that no two servers use the same
	runs            map[string]*run
	order           []*run // oldest first
	number          int
	files           map[string]*upload
	uploads         int
	searches        map[string]*search
	searched, found int
}

func newAPI(opt PublicAPI) *api {
	p := &api{limiter: newLimiter(opt.PerSecond, opt.Burst), born: time.Now()}
	p.clear(opt)
	return p
}

// clear forgets all but the numbers, so that no id is used twice.
func (p *api) clear(opt PublicAPI) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.runs, p.order, p.files = map[string]*run{}, nil, map[string]*upload{}
	p.searches, p.found = map[string]*search{}, 0
	p.limiter.refill()
	p.credits.mu.Lock()
	defer p.credits.mu.Unlock()
	p.credits.endless = opt.Credits < 0
	p.credits.balance = max(opt.Credits, 0)
	p.credits.actions = p.credits.balance
}

// has reports whether the run has not been forgotten.
func (p *api) has(r *run) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.runs[r.ID] == r
}

// newID makes one that is not used again.
func (s *Server) newID(prefix string, number int) string {
	return fmt.Sprintf("%s_%016x", prefix, hash(s.opt.Seed, prefix+s.api.born.String(), number))
}

// knownRoutine reports whether there is such a routine.
func (s *Server) knownRoutine(id string) bool {
	if list := s.opt.PublicAPI.Routines; len(list) > 0 {
		return slices.Contains(list, id)
	}
	kind, name, _ := strings.Cut(id, ":")
	return (kind == "function" || kind == "workflow") && name != "" && len(id) <= 64
}

// startRun starts a run of up to 100 items. Ids that occur twice are refused: Clay
// does not say what it does with them, and no client could tell the results apart.
func (s *Server) startRun(a *arrival) answer {
	routine := a.http.PathValue("routine")
	if !s.knownRoutine(routine) {
		return apiError(http.StatusNotFound, "Routine not found")
	}
	in := input[struct {
		Items   []item `json:"items"`
		Webhook string `json:"webhook_id"`
	}](a)
	seen := map[string]bool{}
	for i, it := range in.Items {
		if seen[it.ID] {
			return apiError(http.StatusBadRequest, fmt.Sprintf("Invalid request: items[%d].id occurs twice", i))
		}
		seen[it.ID] = true
	}
	if in.Webhook != "" && !s.knownCompletion(in.Webhook) {
		return apiError(http.StatusBadRequest, "Webhook not found")
	}
	r := &run{RoutineRun: RoutineRun{Routine: routine, At: a.now, Webhook: in.Webhook}, items: in.Items}
	return s.begin(r)
}

func (s *Server) started(r *run) answer {
	return answer{status: http.StatusAccepted, body: encode(struct {
		ID     string `json:"routine_run_id"`
		Status string `json:"status"`
	}{r.ID, "in_progress"})}
}

// begin numbers a run, charges for it and settles how it will end. It answers once the run is in the journal.
func (s *Server) begin(r *run) answer {
	for _, it := range r.items {
		r.Items = append(r.Items, it.ID)
	}
	r.paid = s.api.credits.spend(len(r.items), s.opt.PublicAPI.Cost)
	s.api.mu.Lock()
	s.api.number++
	r.Number = s.api.number
	r.ID = s.newID("run", r.Number)
	fault := s.faults.strike(Event{Number: r.Number, Webhook: r.Webhook}, (*Fault).hitsRun)
	r.stalled = fault != nil && fault.Kind == RunStall
	r.failed = fault != nil && fault.Kind == RunFail
	r.due = r.At.Add(s.opt.PublicAPI.Delay.of(s.opt.Seed, "run", r.Number))
	s.api.runs[r.ID] = r
	s.api.order = append(s.api.order, r)
	if keep := s.opt.Keep; keep > 0 && len(s.api.order) > keep {
		delete(s.api.runs, s.api.order[0].ID)
		s.api.order = s.api.order[1:]
	}
	s.api.mu.Unlock()
	if err := s.book.addRun(r); err != nil {
		return apiError(http.StatusInternalServerError, err.Error())
	}
	s.announce(r)
	return s.started(r)
}

// findRun returns a run that has not been forgotten.
func (s *Server) findRun(id string, bulk bool, now time.Time) *run {
	s.api.mu.Lock()
	defer s.api.mu.Unlock()
	r := s.api.runs[id]
	if r == nil || r.Bulk != bulk || !r.stalled && now.After(r.due.Add(s.opt.PublicAPI.Retention)) {
		return nil
	}
	return r
}

// finished is how many of its items are done.
func (r *run) finished(now time.Time) int {
	switch {
	case r.stalled:
		return len(r.items) / 2
	case !now.Before(r.due):
		return len(r.items)
	}
	return int(float64(len(r.items)) * float64(now.Sub(r.At)) / float64(r.due.Sub(r.At)))
}

// running reports whether the run has yet to end.
func (r *run) running(now time.Time) bool { return r.stalled || now.Before(r.due) }

// progress is the answer about a run that has not ended.
type progress struct {
	ID       string `json:"routine_run_id"`
	Total    int    `json:"total"`
	Finished int    `json:"finished"`
	Status   string `json:"status"`
}

// runResults answers with the progress or, at the end, with a page of results. They
// do not come in the order in which the items were sent.
func (s *Server) runResults(a *arrival) answer {
	r := s.findRun(a.http.PathValue("run"), false, a.now)
	if r == nil {
		return apiError(http.StatusNotFound, "Routine run not found")
	}
	offset, limit, why := page(a.http, 20, 100)
	if why != "" {
		return apiError(http.StatusBadRequest, why)
	}
	p := progress{r.ID, len(r.items), r.finished(a.now), "in_progress"}
	if r.running(a.now) {
		return answer{status: http.StatusAccepted, body: encode(p)}
	}
	p.Status = "complete"
	out := struct {
		progress
		Data   []itemResult `json:"data"`
		Cursor string       `json:"cursor,omitempty"`
	}{progress: p, Data: []itemResult{}}
	order := s.shuffled(r)
	end := min(offset+limit, len(order))
	for _, i := range order[min(offset, end):end] {
		out.Data = append(out.Data, s.result(r, i))
	}
	if end < len(order) {
		out.Cursor = cursorTo(end)
	}
	return answer{status: http.StatusOK, body: encode(out)}
}

// shuffled is the order in which the results of a run come.
func (s *Server) shuffled(r *run) []int {
	order := make([]int, len(r.items))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(x, y int) int {
		return cmp.Compare(hash(s.opt.Seed, r.ID, x), hash(s.opt.Seed, r.ID, y))
	})
	return order
}

// page reads limit and cursor.
func page(r *http.Request, usual, most int) (offset, limit int, why string) {
	q := r.URL.Query()
	limit = usual
	if q.Has("limit") {
		n, err := strconv.Atoi(q.Get("limit"))
		if err != nil || n < 1 || n > most {
			return 0, 0, fmt.Sprintf("Invalid request: limit is no whole number from 1 to %d", most)
		}
		limit = n
	}
	if q.Has("cursor") {
		if offset, why = offsetOf(q.Get("cursor")); why != "" {
			return 0, 0, why
		}
	}
	return offset, limit, ""
}

func cursorTo(offset int) string {
	return base64.RawURLEncoding.EncodeToString([]byte("offset:" + strconv.Itoa(offset)))
}

func offsetOf(cursor string) (offset int, why string) {
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	rest, ok := strings.CutPrefix(string(text), "offset:")
	n, err2 := strconv.Atoi(rest)
	if err != nil || err2 != nil || !ok || n < 0 {
		return 0, "Invalid request: cursor"
	}
	return n, ""
}

// RoutineRuns returns the runs that are kept, oldest first.
func (s *Server) RoutineRuns() []RoutineRun {
	s.api.mu.Lock()
	defer s.api.mu.Unlock()
	list := make([]RoutineRun, 0, len(s.api.order))
	for _, r := range s.api.order {
		list = append(list, r.RoutineRun)
	}
	return list
}
