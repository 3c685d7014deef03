package clay_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/clay/claytest"
	"github.com/google/go-cmp/cmp"
)

const signingSecret = "whsec_5ecre7-5ecre7"

func TestParseCompletion(t *testing.T) {
	const body = `{"webhookId":"wh_1","createdAt":"2026-11-23T19:00:00.000Z","data":{"routine_run_id":"run_1"},"new":1}`
	sign := func(body string) string { return claytest.SignCompletion(signingSecret, []byte(body)) }
	at := time.Date(2026, 11, 23, 19, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		signature, body string
		want            clay.Completion
		kind            clay.Kind
	}{
		"as Clay sends it":    {sign(body), body, clay.Completion{RunID: "run_1", WebhookID: "wh_1", CreatedAt: at}, 0},
		"capital hex":         {"sha256=" + strings.ToUpper(strings.TrimPrefix(sign(body), "sha256=")), body, clay.Completion{RunID: "run_1", WebhookID: "wh_1", CreatedAt: at}, 0},
		"test":                {sign(`{"webhookId":"wh_1","data":{}}`), `{"webhookId":"wh_1","data":{}}`, clay.Completion{WebhookID: "wh_1"}, 0},
		"one byte more":       {sign(body), body + " ", clay.Completion{}, clay.KindUnauthorized},
		"no signature":        {"", body, clay.Completion{}, clay.KindUnauthorized},
		"no scheme":           {strings.TrimPrefix(sign(body), "sha256="), body, clay.Completion{}, clay.KindUnauthorized},
		"no hex":              {"sha256=xyz", body, clay.Completion{}, clay.KindUnauthorized},
		"shortened":           {sign(body)[:40], body, clay.Completion{}, clay.KindUnauthorized},
		"another's":           {claytest.SignCompletion("whsec_other-other-", []byte(body)), body, clay.Completion{}, clay.KindUnauthorized},
		"an empty secret's":   {claytest.SignCompletion("", []byte(body)), body, clay.Completion{}, clay.KindUnauthorized},
		"signed garbage":      {sign("x"), "x", clay.Completion{}, clay.KindInvalid},
		"signed without data": {sign("{}"), "{}", clay.Completion{}, clay.KindInvalid},
		"an empty run":        {sign(`{"data":{"routine_run_id":""}}`), `{"data":{"routine_run_id":""}}`, clay.Completion{}, clay.KindInvalid},
		"a run by number":     {sign(`{"data":{"routine_run_id":5}}`), `{"data":{"routine_run_id":5}}`, clay.Completion{}, clay.KindInvalid},
	} {
		got, err := clay.ParseCompletion(tc.signature, []byte(tc.body), "", "whsec_older-older-", signingSecret)
		if tc.kind != 0 {
			failed(t, err, tc.kind)
		}
		if d := cmp.Diff(tc.want, got); d != "" || (err == nil) != (tc.kind == 0) {
			t.Errorf("%s: %v\n%s", name, err, d)
		}
	}
	if _, err := clay.ParseCompletion(sign(body), []byte(body)); !errors.Is(err, clay.KindUnauthorized) {
		t.Errorf("without secrets: %v", err)
	}
}

func TestCompletionHandlerRefusesBadSettings(t *testing.T) {
	handle := func(context.Context, clay.Completion) error { return nil }
	for name, cfg := range map[string]clay.CompletionConfig{
		"no handle": {Secrets: []string{signingSecret}}, "no secret": {Handle: handle}, "short secret": {Handle: handle, Secrets: []string{"whsec_"}},
		"negative": {Handle: handle, Secrets: []string{signingSecret}, Timeout: -1},
	} {
		_, err := clay.NewCompletionHandler(cfg)
		if e := failed(t, err, clay.KindConfig); e.Hint == "" || strings.Contains(err.Error(), signingSecret) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCompletionHandler(t *testing.T) {
	var told []string
	h, err := clay.NewCompletionHandler(clay.CompletionConfig{
		Secrets: []string{signingSecret}, MaxBytes: 200,
		Handle: func(_ context.Context, c clay.Completion) error {
			told = append(told, c.RunID)
			switch c.RunID {
			case "fails":
				return errors.New("no")
			case "panics":
				panic("no")
			}
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	run := func(id string) string { return `{"data":{"routine_run_id":"` + id + `"}}` }
	for name, tc := range map[string]struct {
		method, body string
		unsigned     bool
		status       int
		told         bool
	}{
		"run":      {"POST", run("run_1"), false, 200, true},
		"test":     {"POST", `{"data":{}}`, false, 200, false},
		"unsigned": {"POST", run("run_1"), true, 401, false},
		"garbage":  {"POST", `{"data":`, false, 400, false},
		"too long": {"POST", run(strings.Repeat("x", 200)), false, 413, false},
		"GET":      {"GET", "", false, 405, false},
		"fails":    {"POST", run("fails"), false, 503, true},
		"panics":   {"POST", run("panics"), false, 503, true},
	} {
		told = nil
		r := httptest.NewRequest(tc.method, "/", strings.NewReader(tc.body))
		if !tc.unsigned {
			r.Header.Set(clay.SignatureHeader, claytest.SignCompletion(signingSecret, []byte(tc.body)))
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != tc.status || (len(told) == 1) != tc.told {
			t.Errorf("%s: %d %s, told %q", name, w.Code, w.Body, told)
		}
	}
}

// From the start of a run to the webhook that wakes who waits for it.
func TestCompletionEndToEnd(t *testing.T) {
	for name, tc := range map[string]struct {
		fault claytest.FaultKind
		told  int
	}{"once": {"", 1}, "doubled": {claytest.CompletionDouble, 2}, "late": {claytest.CompletionLate, 1}, "lost": {claytest.CompletionMissing, 0}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				told := make(chan clay.Completion, 2)
				h, err := clay.NewCompletionHandler(clay.CompletionConfig{
					Secrets: []string{signingSecret},
					Handle:  func(_ context.Context, c clay.Completion) error { told <- c; return nil },
				})
				if err != nil {
					t.Fatal(err)
				}
				pipe := claytest.NewPipe()
				server := &http.Server{Handler: h}
				done := make(chan struct{})
				go func() { defer close(done); _ = server.Serve(pipe) }()
				opt := claytest.Options{Transport: pipe.Transport(), PublicAPI: claytest.PublicAPI{Webhooks: []claytest.CompletionWebhook{{ID: "wh_1", URL: "http://here.test/", Secret: signingSecret}}}}
				if tc.fault != "" {
					opt.Faults = []claytest.Fault{{Kind: tc.fault}}
				}
				s, c := emulate(t, opt, clay.Config{})
				t.Cleanup(func() { _ = server.Close(); <-done })
				if status := s.TestWebhook("wh_1"); status != 200 || len(told) != 0 {
					t.Errorf("test delivery: %d", status)
				}
				run, err := c.Routine(routine).Run(t.Context(), people(2), clay.RunOptions{WebhookID: "wh_1"})
				if err != nil {
					t.Fatal(err)
				}
				<-time.After(time.Minute)
				synctest.Wait()
				if len(told) != tc.told {
					t.Errorf("told %d times", len(told))
				}
				if len(told) > 0 {
					if got := <-told; got.RunID != run.ID || got.WebhookID != "wh_1" || got.CreatedAt.IsZero() {
						t.Errorf("%+v", got)
					}
				}
				_, err = c.Routine(routine).Run(t.Context(), people(1), clay.RunOptions{WebhookID: "wh_2"})
				failed(t, err, clay.KindInvalid)
			})
		})
	}
}

func FuzzParseCompletion(f *testing.F) {
	for _, s := range []string{`{"data":{"routine_run_id":"run_1"}}`, `{"data":{}}`, `{"data":null}`, `[]`, `{"createdAt":5}`, "\xff"} {
		f.Add([]byte(s), "sha256=00")
	}
	f.Fuzz(func(t *testing.T, body []byte, signature string) {
		if _, err := clay.ParseCompletion(signature, body, signingSecret); !errors.Is(err, clay.KindUnauthorized) && signature != claytest.SignCompletion(signingSecret, body) {
			t.Fatalf("%q is taken for signed: %v", body, err)
		}
		c, err := clay.ParseCompletion(claytest.SignCompletion(signingSecret, body), body, signingSecret)
		if err != nil && (c != clay.Completion{} || !errors.Is(err, clay.KindInvalid) || strings.ContainsAny(err.Error(), "\n\x00\x1b")) {
			t.Fatalf("%+v, %q", c, err)
		}
	})
}
