package clay_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/clay/claytest"
)

// bulk uploads and starts n items.
func bulk(t *testing.T, c *clay.Client, n int) *clay.Run {
	t.Helper()
	run, err := c.Routine(routine).Bulk(t.Context(), slices.Values(people(n)), clay.RunOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// ids are the ids of results, each of which may be there only once.
func ids(t *testing.T, all []clay.ItemResult) int {
	t.Helper()
	seen := map[string]bool{}
	for _, r := range all {
		if seen[r.ID] {
			t.Errorf("%s came twice", r.ID)
		}
		seen[r.ID] = true
	}
	return len(seen)
}

func TestBulkEndToEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		t.Setenv("TMPDIR", t.TempDir())
		s, c := emulate(t, claytest.Options{Misses: -1}, clay.Config{})
		run := bulk(t, c, 10_000)
		all, err := collect(run.Results(t.Context()))
		if err != nil || ids(t, all) != 10_000 || !run.Bulk {
			t.Fatalf("%d results, %v", len(all), err)
		}
		var p clay.Person
		if err := all[0].Decode(&p); err != nil || p.Company != "Acme" {
			t.Errorf("%+v, %v", p, err)
		}
		if n := requests(s); n > 20 {
			t.Errorf("%d requests for 10,000 items", n)
		}
		for _, r := range s.Requests() {
			if key := len(r.Header["Clay-Api-Key"]) > 0; key != strings.HasPrefix(r.Path, claytest.PublicAPIPath) {
				t.Errorf("%s %s: API key sent: %t", r.Method, r.Path, key)
			}
		}
		if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) != 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	})
}

// The presigned host is somebody else's: it never gets the API key, and its addresses,
// which are credentials, never show.
func TestPresignedURLsGetNoKeyAndNeverShow(t *testing.T) {
	for _, path := range []string{"/_files/uploads", "/_files/results"} {
		synctest.Test(t, func(t *testing.T) {
			deny := claytest.Fault{Kind: claytest.Answer, Status: []int{403}, Path: path, Body: "<Error>X-Signature</Error>"}
			s, c := emulate(t, claytest.Options{Faults: []claytest.Fault{deny}}, clay.Config{})
			run, err := c.Routine(routine).Bulk(t.Context(), slices.Values(people(1)), clay.RunOptions{})
			if err == nil {
				_, err = collect(run.Results(t.Context()))
			}
			if e := failed(t, err, clay.KindForbidden); path == "/_files/uploads" && e.Op != clay.OpStore {
				t.Errorf("the store's refusal is told as the API's: %v", err)
			}
			seen := 0
			for _, r := range s.Requests() {
				if !strings.HasPrefix(r.Path, path) {
					continue
				}
				seen++
				secret := r.Path[strings.LastIndex(r.Path, "/")+1:]
				if len(r.Header["Clay-Api-Key"]) > 0 || strings.Contains(err.Error(), secret) || r.Header["Content-Type"] != nil && r.Header["Content-Type"][0] != "application/x-ndjson" {
					t.Errorf("%+v\n%v", r, err)
				}
			}
			if seen < 2 { // with a fresh address each
				t.Errorf("%d requests to %s", seen, path)
			}
		})
	}
}

func TestBulkRefusedBeforeItIsSent(t *testing.T) {
	s := claytest.New(t, claytest.Options{InMemory: true})
	c := client(t, s, clay.Config{})
	for name, tc := range map[string]struct {
		items []clay.Item
		says  string
	}{
		"none":       {nil, "no items"},
		"long id":    {append(people(3), clay.Item{ID: strings.Repeat("x", 65), Inputs: row{}}), "item 3"},
		"doubled id": {append(people(3), people(1)...), `item 3: the id "lead-0" occurs twice`},
		"no object":  {[]clay.Item{{ID: "x", Inputs: "y"}}, "item 0"},
	} {
		_, err := c.Routine(routine).Bulk(t.Context(), slices.Values(tc.items), clay.RunOptions{})
		if e := failed(t, err, clay.KindInvalid); !strings.Contains(err.Error(), tc.says) || e.MayDuplicate() {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := c.Routine(routine).StartBulk(t.Context(), "", clay.RunOptions{})
	failed(t, err, clay.KindInvalid)
	_, err = c.BulkRun("run_x").Page(t.Context(), "")
	failed(t, err, clay.KindInvalid)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = c.Routine(routine).Bulk(ctx, slices.Values(people(3)), clay.RunOptions{})
	if failed(t, err, clay.KindNotSent); requests(s) != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("%d requests, %v", requests(s), err)
	}
}

// Nothing runs before the start, so all before it is repeated; the start is not.
func TestBulkStartsAreNotRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := emulate(t, claytest.Options{Faults: []claytest.Fault{
			{Kind: claytest.DropAfter, Path: "/upload-url", Count: 2}, {Kind: claytest.DropBefore, Path: "/uploads/", Count: 2},
			{Kind: claytest.DropAfter, Path: "/start"},
		}}, clay.Config{})
		_, err := c.Routine(routine).Bulk(t.Context(), slices.Values(people(5)), clay.RunOptions{})
		if e := failed(t, err, clay.KindUnknown); !e.MayDuplicate() || starts(s) != 1 || requests(s) != 7 {
			t.Errorf("%d starts, %d requests: %v", starts(s), requests(s), err)
		}
		_, err = c.Routine(routine).StartBulkOnce(t.Context(), "file_x", clay.RunOptions{})
		failed(t, err, clay.KindUnknown)
		_ = s.SetFaults()
		_, err = c.Routine(routine).StartBulkOnce(t.Context(), "file_x", clay.RunOptions{})
		failed(t, err, clay.KindInvalid)
	})
}

// What is wrong with a file is told line by line.
func TestValidationFailedTellsTheLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		invalid := claytest.Fault{Kind: claytest.Answer, Path: "/results", Status: []int{200}, Body: `{"routine_run_id":"r","status":"validation_failed","error":{"message":"bad","total_invalid_rows":102,"details":[{"line_number":7,"field":"id","message":"too long"}]}}`}
		_, c := emulate(t, claytest.Options{Faults: []claytest.Fault{invalid}}, clay.Config{})
		_, err := collect(c.BulkRun("r").Results(t.Context()))
		failed(t, err, clay.KindRunFailed)
		var end *clay.RunError
		if !errors.As(err, &end) || end.Status != clay.RunValidationFailed || end.InvalidLines != 102 || end.Lines[0] != (clay.LineError{Line: 7, Field: "id", Message: "too long"}) || !strings.Contains(err.Error(), "line 7, id: too long") {
			t.Errorf("%+v, %v", end, err)
		}
	})
}

func TestProcessingFailedMaySucceedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := emulate(t, claytest.Options{Faults: []claytest.Fault{{Kind: claytest.RunFail, Count: 1}}}, clay.Config{})
		f, err := c.Routine(routine).Upload(t.Context(), slices.Values(people(3)))
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []clay.Kind{clay.KindRunFailed, 0} {
			run, err := c.Routine(routine).StartBulk(t.Context(), f.ID, clay.RunOptions{})
			if err != nil {
				t.Fatal(err)
			}
			all, err := collect(run.Results(t.Context()))
			if want == 0 {
				if err != nil || len(all) != 3 || starts(s) != 2 {
					t.Errorf("try %d: %d results, %v", i, len(all), err)
				}
				continue
			}
			if e := failed(t, err, want); !strings.Contains(e.Hint, "same file") {
				t.Error(err)
			}
		}
	})
}

// A bulk run that was stopped at Clay ends by the deadline.
func TestBulkRunInProgressForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := emulate(t, claytest.Options{Faults: []claytest.Fault{{Kind: claytest.RunStall}}}, clay.Config{})
		run := bulk(t, c, 10)
		begin := time.Now()
		_, err := run.Wait(t.Context(), clay.WaitOptions{Timeout: 30 * time.Minute})
		if failed(t, err, clay.KindUnfinished); time.Since(begin) != 30*time.Minute {
			t.Error(time.Since(begin), err)
		}
	})
}

// A link to results works for minutes; whoever comes later gets a fresh one.
func TestExpiredLinkIsFetchedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := emulate(t, claytest.Options{PublicAPI: claytest.PublicAPI{LinkLife: 10 * time.Second}}, clay.Config{})
		run := bulk(t, c, 10)
		if _, err := run.Wait(t.Context(), clay.WaitOptions{}); err != nil {
			t.Fatal(err)
		}
		<-time.After(30 * time.Second) // the link that Wait saw has died
		all, err := collect(run.Results(t.Context()))
		if err != nil || ids(t, all) != 10 || s.Stats().Status[403] != 1 {
			t.Errorf("%d results, %d refused, %v", len(all), s.Stats().Status[403], err)
		}
	})
}

// A download that breaks goes on after what it has read, wherever it breaks.
func TestBrokenDownloadGoesOn(t *testing.T) {
	for _, at := range []int{0, 1, 100, 5_000, 20_000} {
		synctest.Test(t, func(t *testing.T) {
			cut := claytest.Fault{Kind: claytest.CutAnswer, Path: "/_files/results", Bytes: at, Count: 2}
			s, c := emulate(t, claytest.Options{Faults: []claytest.Fault{cut}}, clay.Config{})
			all, err := collect(bulk(t, c, 200).Results(t.Context()))
			if err != nil || ids(t, all) != 200 || s.Stats().Status[200] < 3 {
				t.Errorf("cut at %d: %d results, %v", at, len(all), err)
			}
		})
	}
}

// A download that always breaks at the same place ends in an error after all that came.
func TestDownloadThatAlwaysBreaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cut := claytest.Fault{Kind: claytest.CutAnswer, Path: "/_files/results", Bytes: 5000}
		_, c := emulate(t, claytest.Options{Faults: []claytest.Fault{cut}}, clay.Config{})
		all, err := collect(bulk(t, c, 200).Results(t.Context()))
		if failed(t, err, clay.KindUnknown); ids(t, all) == 0 || len(all) >= 200 || !strings.Contains(err.Error(), "broke after") {
			t.Errorf("%d results, %v", len(all), err)
		}
	})
}

// One that stands still is given up and begun anew.
func TestDownloadThatStandsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := claytest.Fault{Kind: claytest.SlowAnswer, Path: "/_files/results", Latency: time.Hour, Count: 1}
		_, c := emulate(t, claytest.Options{Faults: []claytest.Fault{slow}}, clay.Config{})
		begin := time.Now()
		all, err := collect(bulk(t, c, 20).Results(t.Context()))
		if err != nil || len(all) != 20 || time.Since(begin) > 5*time.Minute {
			t.Errorf("%d results after %s, %v", len(all), time.Since(begin), err)
		}
	})
}

// files answers as Clay does and serves a results file of the test's own.
type files struct {
	bodies []string // one per download; the last one stays
	n      int
	slow   bool // the body stands still for ever
}

func (f *files) RoundTrip(r *http.Request) (*http.Response, error) {
	resp := &http.Response{StatusCode: 200, Header: http.Header{}}
	switch {
	case r.URL.Host != "files.test":
		resp.Body = io.NopCloser(strings.NewReader(`{"status":"complete","total":1,"finished":1,"result_url":"https://files.test/x"}`))
	case f.slow:
		resp.Body = io.NopCloser(stuck{r.Context()})
	default:
		resp.Body = io.NopCloser(strings.NewReader(f.bodies[min(f.n, len(f.bodies)-1)]))
		f.n++
	}
	return resp, nil
}

// stuck is a body of which nothing comes.
type stuck struct{ ctx context.Context }

func (s stuck) Read([]byte) (int, error) {
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}

func filesClient(t *testing.T, f *files) *clay.Client {
	t.Helper()
	c, err := clay.New(clay.Config{PublicAPIKey: apiKey, Transport: f})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestResultsFiles(t *testing.T) {
	const line = `{"id":"a","status":"complete","result":{"x":1},"more":true}`
	long := `{"id":"` + strings.Repeat("b", 200_000) + `","status":"failed","error":{"message":"no"}}`
	for name, tc := range map[string]struct {
		body string
		want int
		says string
	}{
		"one":              {line + "\n", 1, ""},
		"no end of line":   {line, 1, ""},
		"empty lines":      {"\r\n" + line + "\r\n\n" + long + "\n\n", 2, ""},
		"nothing":          {"", 0, ""},
		"truncated":        {line + "\n" + line[:20], 1, "line 2"},
		"html":             {"<html>", 0, "line 1"},
		"array":            {"[" + line + "]", 0, "line 1"},
		"null":             {line + "\nnull", 1, "line 2"},
		"without a status": {`{"id":"x"}`, 0, "line 1"},
	} {
		synctest.Test(t, func(t *testing.T) {
			all, err := collect(filesClient(t, &files{bodies: []string{tc.body}}).BulkRun("r").Results(t.Context()))
			if len(all) != tc.want || (err == nil) != (tc.says == "") {
				t.Errorf("%s: %d results, %v", name, len(all), err)
			}
			if err != nil {
				failed(t, err, clay.KindBadAnswer)
				if !strings.Contains(err.Error(), tc.says) {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
}

func TestDownloadOfWhichNothingComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		_, err := collect(filesClient(t, &files{slow: true}).BulkRun("r").Results(t.Context()))
		failed(t, err, clay.KindUnknown)
		if took := time.Since(begin); took < 2*time.Minute || took > 4*time.Minute { // four tries of 30 s
			t.Error(took, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = collect(filesClient(t, &files{slow: true}).BulkRun("r").Results(ctx))
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

// Who stops early gets nothing more, and leaves nothing running.
func TestResultsStopEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := emulate(t, claytest.Options{}, clay.Config{})
		for _, run := range []*clay.Run{bulk(t, c, 50), c.Run(mustRun(t, c, 50).ID)} {
			n := 0
			for _, err := range run.Results(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				if n++; n == 3 {
					break
				}
			}
			if n != 3 {
				t.Errorf("%d results", n)
			}
		}
	})
}

func mustRun(t *testing.T, c *clay.Client, n int) *clay.Run {
	t.Helper()
	run, err := c.Routine(routine).Run(t.Context(), people(n), clay.RunOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// drain takes an upload as a file store does and measures the memory meanwhile.
type drain struct {
	bytes, peak int64
}

func (d *drain) RoundTrip(r *http.Request) (*http.Response, error) {
	resp := &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"upload_url":"https://files.test/x","file_id":"f"}`))}
	if r.Method == http.MethodPut {
		half := r.ContentLength / 2
		n, _ := io.CopyN(io.Discard, r.Body, half)
		d.peak = heap()
		m, _ := io.Copy(io.Discard, r.Body)
		d.bytes = n + m
		resp.Body = http.NoBody
	}
	return resp, nil
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Items pass through in constant memory, but for a few bytes an id.
func TestUploadInConstantMemory(t *testing.T) {
	const n = 5_000
	text := strings.Repeat("x", 4000)
	peak := int64(0)
	var items iter.Seq[clay.Item] = func(yield func(clay.Item) bool) {
		for i := range n {
			if i == n-1 {
				peak = heap()
			}
			if !yield(clay.Item{ID: fmt.Sprint(i), Inputs: row{"text": text}}) {
				return
			}
		}
	}
	d := &drain{}
	c, err := clay.New(clay.Config{PublicAPIKey: apiKey, Transport: d})
	if err != nil {
		t.Fatal(err)
	}
	before := heap()
	f, err := c.Routine(routine).Upload(t.Context(), items)
	if err != nil || f.Items != n || f.Bytes != d.bytes || f.Bytes < n*4000 {
		t.Fatalf("%+v, %d bytes, %v", f, d.bytes, err)
	}
	if grown := max(peak, d.peak) - before; grown > 3<<20 {
		t.Errorf("%d bytes more for a file of %d", grown, f.Bytes)
	}
}

func FuzzResultLines(f *testing.F) {
	for _, s := range []string{`{"id":"a","status":"complete","result":{}}`, `{"id":"a","status":"failed","error":"x"}`, "\n\r\n", `{"id":5}`, `null`, "\xff{", `{"id":"a","status":"new","result":null}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		all, err := collect(filesClient(t, &files{bodies: []string{string(body)}}).BulkRun("r").Results(t.Context()))
		for _, r := range all {
			if r.ID == "" || r.Status == "" || string(r.Result) == "null" {
				t.Fatalf("%+v", r)
			}
		}
		if len(all) > bytes.Count(body, []byte("\n"))+1 {
			t.Fatalf("%d results of %q", len(all), body)
		}
		if err != nil && (!errors.Is(err, clay.KindBadAnswer) || strings.ContainsAny(err.Error(), "\n\x00\x1b")) {
			t.Fatalf("%q", err)
		}
	})
}
