package claytest_test

import (
	stdcmp "cmp"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/clay/claytest"
)

// Every answer a webhook gives: status, headers that matter, body, and whether
// a row came of it (docs/clay.md, "Webhook sources").
func TestWebhookAnswers(t *testing.T) {
	const accepted = `{"success":true}`
	refused := func(kind, message string) string {
		return fmt.Sprintf(`{"type":%q,"message":%q,"details":null}`, kind, message)
	}
	badJSON := refused("BadRequest", "Request body is not valid JSON")
	badType := refused("BadRequest", "Content-Type must be application/json")
	tooLarge := refused("BadRequest", "Request body is larger than 100 KB")
	padded := func(size int) string {
		return `{"a":"` + strings.Repeat("x", size-len(`{"a":""}`)) + `"}`
	}
	type want struct {
		Status                        int
		Type, RetryAfter, Allow, Body string
		Rows                          int
	}
	ok := want{Status: 200, Body: accepted, Rows: 1}
	for name, tt := range map[string]struct {
		opt                 claytest.Options
		method, path, ctype string // default POST, people, application/json; "-": none
		token, body         string
		chunked             bool
		before              int // rows posted before
		want                want
	}{
		"object":             {body: `{"email":"a@b.c"}`, want: ok},
		"array is one row":   {body: `[{"n":1},{"n":2}]`, want: ok},
		"any id":             {path: "pull-in-data-from-a-webhook-0b9c", body: `{}`, want: ok},
		"charset":            {ctype: "application/json; charset=utf-8", body: `{}`, want: ok},
		"any case":           {ctype: "Application/JSON", body: `{}`, want: ok},
		"no content type":    {ctype: "-", body: `{}`, want: want{Status: 400, Body: badType}},
		"text":               {ctype: "text/plain", body: `{}`, want: want{Status: 400, Body: badType}},
		"bad JSON":           {body: `{"a":`, want: want{Status: 400, Body: badJSON}},
		"two values":         {body: `{}{}`, want: want{Status: 400, Body: badJSON}},
		"empty":              {body: ``, want: want{Status: 400, Body: badJSON}},
		"scalar":             {body: `"hello"`, want: want{Status: 400, Body: badJSON}},
		"100 KB":             {body: padded(100_000), want: ok},
		"over 100 KB":        {body: padded(100_001), want: want{Status: 400, Body: tooLarge}},
		"chunked":            {body: padded(100_000), chunked: true, want: ok},
		"chunked, over":      {body: padded(100_001), chunked: true, want: want{Status: 400, Body: tooLarge}},
		"own limit":          {opt: claytest.Options{MaxBody: 102_400}, body: padded(102_400), want: ok},
		"token":              {opt: claytest.Options{Token: "s3cret"}, token: "s3cret", body: `{}`, want: ok},
		"no token":           {opt: claytest.Options{Token: "s3cret"}, body: `{}`, want: want{Status: 401, Body: refused("Unauthorized", "Authentication token is missing or wrong")}},
		"wrong token":        {opt: claytest.Options{Token: "s3cret"}, token: "s3cre", body: `{}`, want: want{Status: 401, Body: refused("Unauthorized", "Authentication token is missing or wrong")}},
		"token with Bearer":  {opt: claytest.Options{Token: "s3cret"}, token: "Bearer s3cret", body: `{}`, want: want{Status: 401, Body: refused("Unauthorized", "Authentication token is missing or wrong")}},
		"own token":          {opt: claytest.Options{Token: "other", Webhooks: []claytest.Webhook{{Name: "people", Token: "mine"}}}, token: "mine", body: `{}`, want: ok},
		"unasked token":      {token: "whatever", body: `{}`, want: ok},
		"at the cap":         {opt: claytest.Options{Cap: 2}, before: 2, body: `{}`, want: want{Status: 403, Body: refused("Forbidden", "Record limit reached for webhook"), Rows: 2}},
		"own cap":            {opt: claytest.Options{Webhooks: []claytest.Webhook{{Name: "people", Cap: 1}}}, before: 1, body: `{}`, want: want{Status: 403, Body: refused("Forbidden", "Record limit reached for webhook"), Rows: 1}},
		"over the rate":      {before: 20, body: `{}`, want: want{Status: 429, RetryAfter: "1", Body: `{"type":"TooManyRequests","message":"Too many requests. Wait a bit and retry.","details":null}`, Rows: 20}},
		"no rate":            {opt: claytest.Options{PerSecond: -1}, before: 50, body: `{}`, want: want{Status: 200, Body: accepted, Rows: 51}},
		"unknown webhook":    {opt: claytest.Options{Webhooks: []claytest.Webhook{{Name: "companies"}}}, body: `{}`, want: want{Status: 404, Body: refused("NotFound", "Not found")}},
		"no webhook":         {path: "-", body: `{}`, want: want{Status: 404, Body: refused("NotFound", "Not found")}},
		"GET":                {method: "GET", want: want{Status: 405, Allow: "POST", Body: refused("MethodNotAllowed", "Use POST")}},
		"PUT":                {method: "PUT", body: `{}`, want: want{Status: 405, Allow: "POST", Body: refused("MethodNotAllowed", "Use POST")}},
		"GET, unknown":       {opt: claytest.Options{Webhooks: []claytest.Webhook{{Name: "companies"}}}, method: "GET", want: want{Status: 404, Body: refused("NotFound", "Not found")}},
		"invalid UTF-8":      {body: "{\"a\":\"\xff\"}", want: ok},
		"no dedupe":          {before: 1, body: `{"n":0}`, want: want{Status: 200, Body: accepted, Rows: 2}},
		"cap off":            {opt: claytest.Options{Cap: -1}, before: 3, body: `{}`, want: want{Status: 200, Body: accepted, Rows: 4}},
		"compressed is junk": {body: "\x1f\x8b\x08", want: want{Status: 400, Body: badJSON}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // or a slow machine would be within the rate
				tt.opt.InMemory = true
				s := claytest.New(t, tt.opt)
				for n := range tt.before {
					mustPost(t, s, "people", fmt.Sprintf(`{"n":%d}`, n))
				}
				req := httptest.NewRequest(stdcmp.Or(tt.method, "POST"), s.WebhookURL(stdcmp.Or(tt.path, "people")), strings.NewReader(tt.body))
				req.RequestURI = ""
				if tt.path == "-" {
					req.URL.Path = "/v3/sources/webhook/"
				}
				if tt.ctype != "-" {
					req.Header.Set("Content-Type", stdcmp.Or(tt.ctype, "application/json"))
				}
				if tt.token != "" {
					req.Header.Set("x-clay-webhook-auth", tt.token)
				}
				if tt.chunked {
					req.ContentLength = -1
				}
				resp, err := s.Client().Do(req)
				if err != nil {
					t.Fatal(err)
				}
				tt.want.Type = "application/json"
				got := want{
					Status: resp.StatusCode, Type: resp.Header.Get("Content-Type"),
					RetryAfter: resp.Header.Get("Retry-After"), Allow: resp.Header.Get("Allow"),
					Body: read(t, resp), Rows: len(s.Rows()),
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if last := s.Requests()[tt.before]; last.Status != tt.want.Status {
					t.Errorf("recorded with status %d", last.Status)
				}
			})
		})
	}
}

// Only accepted submissions use up a webhook's cap.
func TestRefusedDoNotCount(t *testing.T) {
	s := claytest.New(t, claytest.Options{InMemory: true, Cap: 1, PerSecond: -1})
	for range 3 {
		if status, _ := post(t, s, "people", `{`); status != http.StatusBadRequest {
			t.Fatalf("status %d", status)
		}
	}
	mustPost(t, s, "people", `{}`)
	if status, _ := post(t, s, "people", `{}`); status != http.StatusForbidden {
		t.Errorf("status %d at the cap", status)
	}
	mustPost(t, s, "companies", `{}`) // its own count
	if diff := cmp.Diff(map[string]int{"people": 1, "companies": 1}, s.Stats().Accepted); diff != "" {
		t.Errorf("accepted (-want +got):\n%s", diff)
	}
}

// Refused requests take tokens too, those that name no webhook do not; see
// the comment on Server.webhook.
func TestRefusedTakeTokens(t *testing.T) {
	s := claytest.New(t, claytest.Options{
		InMemory: true, PerSecond: 0.001, Burst: 3, Token: "x", Webhooks: []claytest.Webhook{{Name: "people"}},
	})
	for range 5 {
		post(t, s, "nobody", `{}`)
	}
	for i, want := range []int{401, 401, 401, 429} {
		if status, _ := post(t, s, "people", `{}`); status != want {
			t.Errorf("request %d: status %d, want %d", i+1, status, want)
		}
	}
}

// What arrived can be read back, without the credentials.
func TestRequestsAndRows(t *testing.T) {
	s := claytest.New(t, claytest.Options{InMemory: true, Token: "canary-token"})
	const body = "{\n \"email\": \"Jané@x.y\", \"n\": 1.50}"
	req, err := http.NewRequest("POST", s.WebhookURL("people"), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Clay-Webhook-Auth", "canary-token")
	req.Header.Set("X-Trace", "7")
	resp, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	read(t, resp)
	got := s.Requests()[0]
	if got.Method != "POST" || got.Path != "/v3/sources/webhook/people" || got.Webhook != "people" ||
		got.Status != 200 || got.Row != 1 || got.Number != 1 || got.Body != body || got.At.IsZero() {
		t.Errorf("request %+v", got)
	}
	h := http.Header(got.Header)
	if h.Get("X-Trace") != "7" || h.Get("X-Clay-Webhook-Auth") != "[redacted]" {
		t.Errorf("header %v", h)
	}
	if row := s.Rows()[0]; string(row.Body) != body || row.Webhook != "people" || row.Number != 1 {
		t.Errorf("row %+v", row)
	}
}

// The oldest go first when memory is bounded, and the counters go on.
func TestKeep(t *testing.T) {
	s := claytest.New(t, claytest.Options{InMemory: true, Keep: 3})
	for n := range 5 {
		mustPost(t, s, "people", fmt.Sprintf(`{"n":%d}`, n))
	}
	var got []string
	for i, row := range s.Rows() {
		got = append(got, fmt.Sprint(row.Number, string(row.Body), s.Requests()[i].Number))
	}
	if diff := cmp.Diff([]string{`3{"n":2}3`, `4{"n":3}4`, `5{"n":4}5`}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if st := s.Stats(); st.Rows != 5 || st.Requests != 5 {
		t.Errorf("stats %+v", st)
	}
}

// Webhooks come, go and change their tokens at run time; their counts stay.
func TestSetWebhooks(t *testing.T) {
	s := claytest.New(t, claytest.Options{InMemory: true, Cap: 1})
	mustPost(t, s, "people", `{}`)
	for i, step := range []struct {
		webhooks []claytest.Webhook
		want     int
	}{
		{[]claytest.Webhook{{Name: "companies"}}, 404},
		{[]claytest.Webhook{{Name: "people", Token: "rotated"}}, 401},
		{[]claytest.Webhook{{Name: "people"}}, 403},
		{[]claytest.Webhook{{Name: "people", Cap: -1}}, 200},
		{nil, 403},
	} {
		s.SetWebhooks(step.webhooks...)
		if status, _ := post(t, s, "people", `{}`); status != step.want {
			t.Errorf("step %d: status %d, want %d", i+1, status, step.want)
		}
	}
}

// The log has a line per request, and neither bodies nor headers.
func TestLog(t *testing.T) {
	var log strings.Builder
	text := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	s := claytest.New(t, claytest.Options{InMemory: true, Log: text, Faults: []claytest.Fault{{Kind: claytest.DropAfter, From: 3}}})
	mustPost(t, s, "people", `{"email":"canary@acme.com"}`)
	post(t, s, "people", `{"email":"canary@`)
	if _, err := s.Client().Post(s.WebhookURL("companies"), "application/json", strings.NewReader(`{}`)); err == nil {
		t.Error("an answer came")
	}
	request, _ := http.NewRequestWithContext(t.Context(), "GET", s.URL()+claytest.PublicAPIPath+"/me?x=canary", nil)
	if _, err := s.Client().Do(request); err == nil {
		t.Error("an answer came")
	}
	s.Close()
	want := `level=INFO msg=request method=POST table=people status=200 row=1
level=INFO msg=request method=POST table=people status=400 row=0
level=INFO msg=request method=POST table=companies status=0 row=2
level=INFO msg=request method=GET path=/public/v0/me status=0
`
	if diff := cmp.Diff(want, log.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
