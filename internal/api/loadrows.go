package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/claygate/claygate/internal/intake"
	"github.com/claygate/claygate/internal/ledger"
)

// maxRows is how many rows one request can hand in. All of a load's rows have to come in one, because a row is known by
// how many of the same came before it.
const maxRows = 5_000_000

// takeRows answers POST /v1/loads/{id}/rows: the rows of a load, one JSON object a line, all of them. Like other lines they
// are answered line by line, once all have been read. When the ledger fails, or the body ends too early, the request
// fails as a whole: it can be repeated as it is.
func (s *server) takeRows(c *call) error {
	id, t, _, err := s.loadOf(c)
	if err != nil {
		return err
	}
	form, err := bodyFormat(c.Request)
	if err != nil {
		return err
	}
	if form != lineBody {
		return refusal(unsupported, "rows are wanted as lines").but("send them with Content-Type: application/x-ndjson")
	}
	o, partial, err := c.runOptions(t, id)
	if err != nil {
		return err
	}
	run, err := s.Intake.Run(c.Context(), s.Ledger, o)
	if err != nil {
		return err
	}
	answers := &spill{}
	defer answers.close()
	if err := s.pourRows(c, run, answers); err != nil {
		return err
	}
	if !o.Preview && !partial {
		if _, err := run.End(context.WithoutCancel(c.Context())); err != nil {
			return err
		}
	}
	if s.Loaded != nil && !o.Preview {
		s.Loaded(id)
	}
	c.w.Header().Set("Content-Type", "application/x-ndjson")
	c.w.WriteHeader(http.StatusOK)
	_ = answers.copyTo(slowWriter{c}) // the client left: its rows are in the ledger
	return nil
}

// noLoad is the load of a preview of one that is to begin anew: no row of it is known.
const noLoad ledger.LoadID = -1

// runOptions reads what a run wants. Partial says that rows which are not among these are not given up.
func (c *call) runOptions(t *Target, id ledger.LoadID) (o intake.RunOptions, partial bool, err error) {
	params, err := c.params("await", "dedupe_by", "max_age", "result_timeout", "retry", "partial", "dry_run", "fresh")
	if err != nil {
		return o, false, err
	}
	o = intake.RunOptions{Target: t.Name, Load: id, Await: t.Await, APIKey: c.who.id()}
	if params.Has("await") {
		if o.Await, err = flag(params, "await"); err != nil {
			return o, false, err
		}
		if o.Await && !t.Await {
			return o, false, refusal(ledger.Conflict, "the target %s awaits no results", t.Name).but("hand the rows in with await=0, and take the results from Clay")
		}
	}
	if o.DedupeBy, err = dedupeBy(params); err != nil {
		return o, false, err
	}
	if o.Retry, err = retried(params.Get("retry")); err != nil {
		return o, false, err
	}
	for name, set := range map[string]func(time.Duration){
		"max_age":        func(d time.Duration) { o.MaxAge = &d },
		"result_timeout": func(d time.Duration) { o.ResultTimeout = d },
	} {
		if !params.Has(name) {
			continue
		}
		d, err := span(params.Get(name))
		if err != nil {
			return o, false, refusal(invalid, "%q: %s", name, err)
		}
		set(d)
	}
	if o.Preview, err = flag(params, "dry_run"); err != nil {
		return o, false, err
	}
	fresh, err := flag(params, "fresh")
	if err != nil {
		return o, false, err
	}
	if fresh && !o.Preview {
		return o, false, refusal(invalid, `"fresh" is for a dry run`).but("open the load with fresh: true")
	}
	if fresh {
		o.Load = noLoad
	}
	partial, err = flag(params, "partial")
	return o, partial, err
}

// dedupeBy reads the fields that make two rows the same work: nil for the target's, empty for "none".
func dedupeBy(params url.Values) ([]string, error) {
	if !params.Has("dedupe_by") {
		return nil, nil
	}
	text := params.Get("dedupe_by")
	if text == "none" {
		return []string{}, nil
	}
	fields := strings.Split(text, ",")
	for i, name := range fields {
		if fields[i] = strings.TrimSpace(name); fields[i] == "" {
			return nil, refusal(invalid, `"dedupe_by" must be names of fields, separated by commas, or none`)
		}
	}
	return fields, nil
}

// retries maps what retry takes to what the rows came to that are sent again.
var retries = map[string]ledger.Fate{
	"failed": ledger.FateFailed, "expired": ledger.FateTimedOut, "uncertain": ledger.FateMaybeSent,
}

func retried(text string) ([]ledger.Fate, error) {
	if text == "" {
		return nil, nil
	}
	var fates []ledger.Fate
	for name := range strings.SplitSeq(text, ",") {
		fate, ok := retries[name]
		if !ok {
			return nil, refusal(invalid, `"retry" %.40q is unknown: there are failed, expired and uncertain`, name)
		}
		fates = append(fates, fate)
	}
	return fates, nil
}

// rawRow is a line that may be a row.
type rawRow struct {
	n       int // from 1
	text    []byte
	problem *Problem
}

// pourRows reads the rows and has them accepted, a batch while the next one is read.
func (s *server) pourRows(c *call, run *intake.Run, answers *spill) error {
	batches := make(chan []rawRow, 1)
	accepted := make(chan error, 1)
	var failed atomic.Bool
	go func() {
		var err error
		for batch := range batches {
			if err == nil {
				err = s.acceptRows(c, run, batch, answers)
				failed.Store(err != nil)
			}
		}
		accepted <- err
	}()
	err := readRows(c, batches, failed.Load)
	close(batches)
	if refused := <-accepted; refused != nil {
		return refused
	}
	return err
}

// readRows parts the body into batches of lines, until over says that nobody wants more.
func readRows(c *call, batches chan<- []rawRow, over func() bool) error {
	in := &lineReader{from: bufio.NewReaderSize(slowReader{c, time.Now().Add(linesTime)}, 64<<10)}
	var batch []rawRow
	size := 0
	for n := 1; ; n++ {
		raw, err := in.next()
		switch {
		case errors.Is(err, io.EOF):
			if len(batch) > 0 {
				batches <- batch
			}
			return nil
		case errors.Is(err, errLongLine):
			batch = append(batch, rawRow{n: n, problem: refusal(tooLarge, "the line is longer than %d bytes", maxRecord)})
		case err != nil:
			return refusal(invalid, "the body ended too early or came too slowly: of its rows some may have been taken").but("hand all of them in again")
		case n > maxRows:
			return refusal(tooLarge, "a load has %d rows at most", maxRows).but("part it into several, with names of their own")
		case blank(raw):
			continue
		default:
			batch = append(batch, rawRow{n: n, text: raw})
			size += len(raw)
		}
		if len(batch) < batchLength && size <= batchBytes {
			continue
		}
		if over() {
			return nil
		}
		batches <- batch
		batch, size = make([]rawRow, 0, batchLength), 0
	}
}

// acceptRows hands a batch in and writes its answers.
func (s *server) acceptRows(c *call, run *intake.Run, batch []rawRow, answers *spill) error {
	var subs []ledger.Submission
	for i, row := range batch {
		if row.problem != nil {
			continue
		}
		sub, err := run.Submission(row.text)
		if err != nil {
			batch[i].problem = s.problemOf(err)
			continue
		}
		subs = append(subs, sub)
	}
	ctx, done := c.change()
	defer done()
	var text []byte
	var err error
	if run.RunOptions.Preview {
		text, err = foresee(ctx, run, batch, subs)
	} else {
		text, err = s.acceptRun(ctx, run, batch, subs)
	}
	if err == nil {
		_, err = answers.Write(text)
	}
	return err
}

func (s *server) acceptRun(ctx context.Context, run *intake.Run, batch []rawRow, subs []ledger.Submission) ([]byte, error) {
	taken, err := run.Accept(ctx, subs)
	if err != nil {
		return nil, err
	}
	text := make([]byte, 0, 100*len(batch))
	i := 0
	for _, row := range batch {
		if row.problem != nil {
			text = appendProblem(text, row.n, row.problem)
			continue
		}
		if t := taken[i]; t.Err != nil {
			text = appendProblem(text, row.n, s.problemOf(t.Err))
		} else {
			text = appendTaken(text, row.n, t)
		}
		i++
	}
	return text, nil
}

func appendTaken(text []byte, n int, t intake.Taken) []byte {
	text = append(text, `{"line":`...)
	text = strconv.AppendInt(text, int64(n), 10)
	text = append(text, `,"id":"`...)
	text = append(text, t.Record.ID.String()...)
	text = append(text, `","state":"`...)
	text = append(text, t.Record.State...)
	text = append(text, `","cached":`...)
	text = strconv.AppendBool(text, t.Record.Cached)
	if t.Differs {
		text = append(text, `,"input_differs":true`...)
	}
	text = append(text, `,"known":`...)
	text = strconv.AppendBool(text, t.Repeated)
	text = append(text, `,"sends":`...)
	text = strconv.AppendInt(text, int64(t.Sends), 10)
	return append(text, "}\n"...)
}

// RowProspect is what would become of a row.
type RowProspect struct {
	Line  int             `json:"line"`
	Would intake.Prospect `json:"would"`
}

func foresee(ctx context.Context, run *intake.Run, batch []rawRow, subs []ledger.Submission) ([]byte, error) {
	prospects, err := run.Preview(ctx, subs)
	if err != nil {
		return nil, err
	}
	var text []byte
	i := 0
	for _, row := range batch {
		if row.problem != nil {
			text = appendProblem(text, row.n, row.problem)
			continue
		}
		answer, _ := json.Marshal(RowProspect{Line: row.n, Would: prospects[i]}) // texts and numbers always encode
		text = append(append(text, answer...), '\n')
		i++
	}
	return text, nil
}
