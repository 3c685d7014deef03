package claytest

import (
	"bytes"
	"crypto/subtle"
	"encoding/json"
	"mime"
	"net/http"
)

// handler routes requests.
func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc(WebhookPath+"{webhook}", s.serve(s.webhook))
	s.enterpriseRoutes(mux)
	s.publicRoutes(mux)
	s.fileRoutes(mux)
	s.toolRoutes(mux)
	mux.Handle(ControlPath, s.control())
	mux.HandleFunc("/", s.serve(func(*arrival) answer { return notFound() }))
	return mux
}

// webhook is a webhook source: one POST makes one row. Statuses as documented
// (docs/clay.md, "Webhook sources"). Every POST to a webhook that exists takes a
// token of the workspace's limit, also one that is then refused with 400, 401 or
// 403: Clay counts requests, whatever they hold, and a client that keeps to the
// stricter reading keeps to both. 404, 405 and 429 take none.
func (s *Server) webhook(a *arrival) answer {
	hook, known := s.find(a.webhook)
	switch {
	case !known:
		return notFound()
	case a.method != http.MethodPost:
		return methodNotAllowed()
	case !s.limiter.take(a.now):
		return tooMany()
	case !authorized(a.http, hook.Token):
		return refusal(http.StatusUnauthorized, "Unauthorized", "Authentication token is missing or wrong")
	}
	if why := a.invalid(); why != "" {
		return badRequest(why)
	}
	row := &Row{Webhook: a.webhook, At: a.now, Body: a.body}
	ok, err := s.runner.accept(row, hook.Cap)
	switch {
	case err != nil:
		return journalFailed()
	case !ok:
		return refusal(http.StatusForbidden, "Forbidden", textRecordLimit)
	}
	a.row = row.Number
	return accepted()
}

// find returns the webhook with its defaults filled in.
func (s *Server) find(name string) (w Webhook, known bool) {
	w, known = Webhook{Name: name}, true
	if list := s.webhooks.Load(); list != nil {
		w, known = (*list)[name]
	}
	if w.Token == "" {
		w.Token = s.opt.Token
	}
	if w.Cap == 0 {
		w.Cap = s.opt.Cap
	}
	return w, known
}

// authorized compares the raw token, which Clay wants without any scheme.
func authorized(r *http.Request, token string) bool {
	sent := r.Header.Get("X-Clay-Webhook-Auth")
	return token == "" || subtle.ConstantTimeCompare([]byte(sent), []byte(token)) == 1
}

// invalid says why a submission is a 400, or "". Clay documents the missing
// content type, bad JSON and the size; that a bare string, number or null is no
// row either is this package's choice.
func (a *arrival) invalid() string {
	if kind, _, err := mime.ParseMediaType(a.http.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return "Content-Type must be application/json"
	}
	if a.long {
		return "Request body is larger than 100 KB"
	}
	text := bytes.TrimLeft(a.body, " \t\r\n")
	if len(text) == 0 || (text[0] != '{' && text[0] != '[') || !json.Valid(text) {
		return "Request body is not valid JSON"
	}
	return ""
}
