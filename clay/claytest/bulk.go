package claytest

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// The places of a file store, to which presigned URLs lead.
const (
	uploadPath   = "/_files/uploads/"
	downloadPath = "/_files/results/"
)

// upload is a file that bulk runs can be started with.
type upload struct {
	routine string
	expires time.Time
	body    []byte // nil until it is there
}

// fileRoutes adds the file store.
func (s *Server) fileRoutes(mux *http.ServeMux) {
	mux.HandleFunc("PUT "+uploadPath+"{file}", s.serveUpTo(s.opt.PublicAPI.MaxUpload, s.putFile))
	mux.HandleFunc("GET "+downloadPath+"{run}", s.serve(s.getResults))
}

// uploadURL makes a place for a file.
func (s *Server) uploadURL(a *arrival) answer {
	routine := a.http.PathValue("routine")
	if !s.knownRoutine(routine) {
		return apiError(http.StatusNotFound, "Routine not found")
	}
	s.api.mu.Lock()
	defer s.api.mu.Unlock()
	s.api.uploads++
	id := s.newID("file", s.api.uploads)
	s.api.files[id] = &upload{routine: routine, expires: a.now.Add(s.opt.PublicAPI.LinkLife)}
	return answer{status: http.StatusOK, body: encode(struct {
		URL string `json:"upload_url"`
		ID  string `json:"file_id"`
	}{s.url + uploadPath + id + "?X-Signature=" + s.sign(id), id})}
}

func (s *Server) sign(what string) string {
	return fmt.Sprintf("%016x", hash(s.opt.Seed, "signature", what))
}

// storeError is how a file store refuses.
func storeError(status int, code, message string) answer {
	return answer{
		status: status, header: http.Header{"Content-Type": {"application/xml"}},
		body: "<Error><Code>" + code + "</Code><Message>" + message + "</Message></Error>",
	}
}

// foreignKey reports a request that brings the API key where it has no business.
func foreignKey(a *arrival) bool {
	return a.http.Header.Get("Clay-Api-Key") != "" || a.http.Header.Get("Authorization") != ""
}

// putFile takes a file. As the usual stores do it wants the length in advance; that it
// refuses the API key is this package's choice, so that a leak is seen.
func (s *Server) putFile(a *arrival) answer {
	body := a.body
	a.body = nil // not kept twice
	s.api.mu.Lock()
	defer s.api.mu.Unlock()
	id := a.http.PathValue("file")
	f := s.api.files[id]
	switch {
	case foreignKey(a):
		return storeError(http.StatusBadRequest, "InvalidRequest", "A presigned URL takes no other credentials")
	case f == nil || a.http.URL.Query().Get("X-Signature") != s.sign(id):
		return storeError(http.StatusForbidden, "SignatureDoesNotMatch", "The signature does not match")
	case a.now.After(f.expires):
		return storeError(http.StatusForbidden, "AccessDenied", "Request has expired")
	case a.http.ContentLength < 0:
		return storeError(http.StatusLengthRequired, "MissingContentLength", "Content-Length is required")
	case a.long:
		return storeError(http.StatusRequestEntityTooLarge, "EntityTooLarge", "The file is too large")
	}
	f.body = body
	if f.body == nil {
		f.body = []byte{}
	}
	return answer{status: http.StatusOK, header: http.Header{"Content-Type": {"application/xml"}}}
}

// startBatch starts a run with a file. The file is looked at afterwards: what is wrong
// with it ends the run.
func (s *Server) startBatch(a *arrival) answer {
	routine := a.http.PathValue("routine")
	if !s.knownRoutine(routine) {
		return apiError(http.StatusNotFound, "Routine not found")
	}
	in := input[struct {
		File    string `json:"file_id"`
		Webhook string `json:"webhook_id"`
	}](a)
	if in.Webhook != "" && !s.knownCompletion(in.Webhook) {
		return apiError(http.StatusBadRequest, "Webhook not found")
	}
	s.api.mu.Lock()
	f := s.api.files[in.File]
	s.api.mu.Unlock()
	if f == nil || f.body == nil || f.routine != routine {
		return apiError(http.StatusBadRequest, "File not found; upload it first")
	}
	r := &run{RoutineRun: RoutineRun{Routine: routine, Bulk: true, At: a.now, Webhook: in.Webhook}}
	items, wrong := parseItems(f.body)
	if r.items = items; len(wrong) > 0 || len(items) == 0 {
		r.items = nil
		r.invalid = &invalidFile{"The file is not valid", len(wrong), wrong[:min(len(wrong), 100)]}
	}
	return s.begin(r)
}

// invalidFile says what is wrong with a file.
type invalidFile struct {
	Message string      `json:"message"`
	Total   int         `json:"total_invalid_rows"`
	Details []lineError `json:"details"`
}

// lineError is what is wrong with one line.
type lineError struct {
	Line    int    `json:"line_number"`
	Field   string `json:"field"`
	Message string `json:"message"`
}

var itemLine = object(fields{"id": textOf(1, 64), "inputs": dict(anything)})

// parseItems reads a file of JSON lines; empty ones are passed over.
func parseItems(body []byte) ([]item, []lineError) {
	var items []item
	seen, wrong := map[string]bool{}, []lineError{} // not nil: the answer has a list always
	number := 0
	for line := range bytes.Lines(body) {
		number++
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		if why := itemLine.check(line); why != "" {
			field, _, _ := strings.Cut(why, " ")
			if field != "id" && field != "inputs" {
				field = "line"
			}
			wrong = append(wrong, lineError{number, field, why})
			continue
		}
		it := input[item](&arrival{request: request{body: line}})
		if seen[it.ID] {
			wrong = append(wrong, lineError{number, "id", "id occurs twice"})
			continue
		}
		seen[it.ID] = true
		items = append(items, it)
	}
	return items, wrong
}

// batchResults tells how far a bulk run is or how it ended.
func (s *Server) batchResults(a *arrival) answer {
	r := s.findRun(a.http.PathValue("run"), true, a.now)
	if r == nil {
		return apiError(http.StatusNotFound, "Routine run not found")
	}
	p := progress{r.ID, len(r.items), r.finished(a.now), "in_progress"}
	if r.running(a.now) {
		return answer{status: http.StatusAccepted, body: encode(p)}
	}
	ended := struct {
		ID     string `json:"routine_run_id"`
		Status string `json:"status"`
		Error  any    `json:"error"`
	}{ID: r.ID}
	switch {
	case r.invalid != nil:
		ended.Status, ended.Error = "validation_failed", r.invalid
		return answer{status: http.StatusOK, body: encode(ended)}
	case r.failed:
		ended.Status, ended.Error = "processing_failed", failure{"The file could not be processed"}
		return answer{status: http.StatusOK, body: encode(ended)}
	}
	p.Status = "complete"
	return answer{status: http.StatusOK, body: encode(struct {
		progress
		URL string `json:"result_url"`
	}{p, s.resultURL(r, a.now)})}
}

// resultURL makes a link that works for a while.
func (s *Server) resultURL(r *run, now time.Time) string {
	expires := strconv.FormatInt(now.Add(s.opt.PublicAPI.LinkLife).UnixNano(), 10)
	q := url.Values{"X-Expires": {expires}, "X-Signature": {s.sign(r.ID + expires)}}
	return s.url + downloadPath + r.ID + "?" + q.Encode()
}

// getResults is the file of results: one item's result a line, as in an inline run's
// pages. Clay does not document its form.
func (s *Server) getResults(a *arrival) answer {
	id, q := a.http.PathValue("run"), a.http.URL.Query()
	expires, err := strconv.ParseInt(q.Get("X-Expires"), 10, 64)
	r := s.findRun(id, true, a.now)
	switch {
	case foreignKey(a):
		return storeError(http.StatusBadRequest, "InvalidRequest", "A presigned URL takes no other credentials")
	case err != nil || q.Get("X-Signature") != s.sign(id+q.Get("X-Expires")):
		return storeError(http.StatusForbidden, "SignatureDoesNotMatch", "The signature does not match")
	case a.now.UnixNano() > expires || r == nil:
		return storeError(http.StatusForbidden, "AccessDenied", "Request has expired")
	}
	var lines strings.Builder
	for _, i := range s.shuffled(r) {
		lines.WriteString(encode(s.result(r, i)))
		lines.WriteByte('\n')
	}
	return answer{status: http.StatusOK, header: http.Header{"Content-Type": {"application/x-ndjson"}}, body: lines.String()}
}
