package clay_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/clay/claytest"
)

func keep(context.Context, clay.Callback) error { return nil }

func handler(t *testing.T, cfg clay.CallbackConfig) *clay.CallbackHandler {
	t.Helper()
	if cfg.Secrets == nil {
		cfg.Secrets = []string{secret}
	}
	if cfg.Store == nil {
		cfg.Store = keep
	}
	h, err := clay.NewCallbackHandler(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return h
}

// call posts a body with the right secret.
func call(h http.Handler, body string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", "/callbacks", strings.NewReader(body))
	r.Header.Set("X-Callback-Secret", secret)
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// "acknowledged before stored": the reference answers 200 and then works; whatever goes
// wrong after that is lost, because Clay has nothing to try again.
func TestReferenceCallbackIsStoredBeforeItIsAcknowledged(t *testing.T) {
	stored := false
	h := handler(t, clay.CallbackConfig{Store: func(_ context.Context, cb clay.Callback) error {
		stored = string(cb.Body) == `{"id":"1"}` && !cb.Received.IsZero()
		return nil
	}})
	if w := call(h, `{"id":"1"}`); w.Code != 200 || w.Body.String() != `{"ok":true}` || !stored {
		t.Errorf("%d %s, stored %t", w.Code, w.Body, stored)
	}
	for name, store := range map[string]func(context.Context, clay.Callback) error{
		"error": func(context.Context, clay.Callback) error { return errors.New("disk full") },
		"panic": func(context.Context, clay.Callback) error { panic("boom") },
	} {
		w := call(handler(t, clay.CallbackConfig{Store: store}), `{"id":"1"}`)
		// 429, because Clay does not try again after 5xx.
		if w.Code != 429 || w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), "disk") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

// "handler without authentication or limits": anybody may post anything of any size.
func TestReferenceCallbackIsAuthenticatedAndBounded(t *testing.T) {
	stored := 0
	h := handler(t, clay.CallbackConfig{
		Secrets: []string{secret, "the-other-one-5ecre7"}, MaxBytes: 100,
		Store: func(context.Context, clay.Callback) error { stored++; return nil },
	})
	secretIs := func(s string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("X-Callback-Secret", s) }
	}
	for name, tc := range map[string]struct {
		body   string
		change func(*http.Request)
		status int
	}{
		"right":        {`{}`, secretIs(secret), 200},
		"the other":    {`[]`, secretIs("the-other-one-5ecre7"), 200},
		"wrong":        {`{}`, secretIs(secret + "x"), 401},
		"empty":        {`{}`, secretIs(""), 401},
		"missing":      {`{}`, func(r *http.Request) { r.Header.Del("X-Callback-Secret") }, 401},
		"GET":          {``, func(r *http.Request) { r.Method = "GET" }, 405},
		"too big":      {`"` + strings.Repeat("x", 100) + `"`, secretIs(secret), 413},
		"just fits":    {`"` + strings.Repeat("x", 98) + `"`, secretIs(secret), 200},
		"no JSON":      {`{"a": /Email}`, secretIs(secret), 400},
		"no body":      {``, secretIs(secret), 400},
		"two values":   {`{}{}`, secretIs(secret), 400},
		"broken body":  {``, func(r *http.Request) { r.Body = io.NopCloser(iotest{}) }, 408},
		"wrong, big":   {strings.Repeat("x", 1000), secretIs("x"), 401},
		"wrong, nobod": {``, func(r *http.Request) { secretIs("x")(r); r.Body = io.NopCloser(iotest{}) }, 401},
	} {
		before := stored
		w := call(h, tc.body, tc.change)
		if w.Code != tc.status || (stored > before) != (tc.status == 200) || strings.Contains(w.Body.String(), "5ecre7") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

// iotest is a body that breaks off.
type iotest struct{}

func (iotest) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestCallbackConfigFailsClosed(t *testing.T) {
	for name, cfg := range map[string]clay.CallbackConfig{
		"no authentication": {Store: keep},
		"empty secret":      {Store: keep, Secrets: []string{""}},
		"short secret":      {Store: keep, Secrets: []string{secret, "short"}},
		"no store":          {Secrets: []string{secret}},
		"negative":          {Store: keep, Secrets: []string{secret}, Queue: -1},
	} {
		_, err := clay.NewCallbackHandler(cfg)
		if e := failed(t, err, clay.KindConfig); e.Hint == "" {
			t.Errorf("%s: no hint", name)
		}
	}
	h := handler(t, clay.CallbackConfig{Authenticate: func(*http.Request) error { return errors.New("no") }})
	if w := call(h, `{}`); w.Code != 401 {
		t.Errorf("Authenticate is asked as well: %d", w.Code)
	}
}

func TestAfterRunsBoundedAndDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stored, done, running, most atomic.Int32
		release := make(chan struct{})
		h := handler(t, clay.CallbackConfig{
			Queue: 5, Workers: 2,
			Store: func(context.Context, clay.Callback) error { stored.Add(1); return nil },
			After: func(_ context.Context, cb clay.Callback) {
				if n := running.Add(1); n > most.Load() {
					most.Store(n)
				}
				<-release
				running.Add(-1)
				done.Add(1)
				panic("must not take the program with it")
			},
		})
		codes := map[int]int{}
		for range 8 {
			codes[call(h, `{}`).Code]++
			synctest.Wait()
		}
		if codes[200] != 5 || codes[429] != 3 || stored.Load() != 5 || most.Load() != 2 {
			t.Errorf("%v, %d stored, %d at a time", codes, stored.Load(), most.Load())
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := h.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("shut down with work left: %v", err)
		}
		if w := call(h, `{}`); w.Code != 429 {
			t.Errorf("after Shutdown: %d", w.Code)
		}
		close(release)
		if err := h.Shutdown(t.Context()); err != nil || done.Load() != 5 {
			t.Errorf("%v, %d done", err, done.Load())
		}
	})
}

func TestStoreOutlivesTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, hangUp := context.WithCancel(t.Context())
		h := handler(t, clay.CallbackConfig{Timeout: time.Second, Store: func(ctx context.Context, _ clay.Callback) error {
			hangUp()
			<-ctx.Done()
			if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
				t.Errorf("the store was cut short: %v", ctx.Err())
			}
			return ctx.Err()
		}})
		w := call(h, `{}`, func(r *http.Request) { *r = *r.WithContext(ctx) })
		if w.Code != 429 {
			t.Error(w.Code)
		}
	})
}

func TestCallbackLogHoldsNoSecretAndNoBody(t *testing.T) {
	var log bytes.Buffer
	h := handler(t, clay.CallbackConfig{
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
		Store:  func(context.Context, clay.Callback) error { return errors.New("disk full") },
	})
	call(h, `{"email":"ada@example.com"}`)
	call(h, `not JSON ada@example.com`)
	call(h, `{}`, func(r *http.Request) { r.Header.Set("X-Callback-Secret", "wrong-5ecre7") })
	if s := log.String(); strings.Contains(s, "5ecre7") || strings.Contains(s, "ada@") || strings.Count(s, "\n") != 3 || !strings.Contains(s, "disk full") {
		t.Error(s)
	}
}

type lead struct {
	Email string `json:"email"`
}

type enriched struct {
	Email string `json:"email"`
	Name  string `json:"name"`
	Score int    `json:"score"`
}

func TestTableRoundTrip(t *testing.T) {
	got := make(chan enriched, 3)
	table := clay.NewTable[lead, enriched](nil)
	h, err := table.CallbackHandler(clay.CallbackConfig{Secrets: []string{secret}}, func(_ context.Context, e enriched) error {
		got <- e
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(h)
	defer srv.Close()
	s := claytest.New(t, claytest.Options{Misses: -1, Column: claytest.Column{
		URL: srv.URL, Header: http.Header{"X-Callback-Secret": {secret}}, Delay: claytest.Delay{Max: -1},
		Body: `{"email": {{email}}, "name": "{{name}}", "score": "42"}`,
	}})
	c, err := clay.New(clay.Config{WebhookURL: s.WebhookURL("people")})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	table = clay.NewTable[lead, enriched](c)
	if _, err := table.Send(t.Context(), lead{"ada.lovelace@example.com"}); err != nil {
		t.Fatal(err)
	}
	res, err := table.SendBatch(t.Context(), func(yield func(lead) bool) { _ = yield(lead{"bob@example.com"}) && yield(lead{"eve@example.com"}) }, clay.BatchOptions{})
	if err != nil || res.Sent != 2 {
		t.Fatal(res, err)
	}
	for range 3 {
		if e := <-got; !strings.Contains(e.Email, "@example.com") || e.Name == "" || e.Score != 42 {
			t.Errorf("%+v", e)
		}
	}
	if w := call(h, `{"score":"forty-two"}`); w.Code != 400 {
		t.Errorf("a body that does not fit: %d %s", w.Code, w.Body)
	}
	if _, err := table.CallbackHandler(clay.CallbackConfig{}, nil); !errors.Is(err, clay.KindConfig) {
		t.Error(err)
	}
}

func FuzzCallback(f *testing.F) {
	for _, s := range []string{`{}`, `{"id":"1","score":"[object Object]"}`, `{"a":`, "\xff", `"/Email"`, `[[[[`, `{"list":"[1,2]","tags":"x"}`} {
		f.Add([]byte(s))
	}
	stored := false
	h, err := clay.NewCallbackHandler(clay.CallbackConfig{Secrets: []string{secret}, Store: func(_ context.Context, cb clay.Callback) error {
		stored = true
		var v quirky
		_ = cb.Decode(&v)
		return nil
	}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		stored = false
		w := call(h, string(body))
		if (w.Code == 200) != stored || w.Code != 200 && w.Code != 400 {
			t.Fatalf("%d, stored %t", w.Code, stored)
		}
	})
}

func ExampleCallbackHandler() {
	h, err := clay.NewCallbackHandler(clay.CallbackConfig{
		Secrets: []string{"callback-secret-of-this-program"},
		Store: func(_ context.Context, cb clay.Callback) error {
			var person clay.Person
			if err := cb.Decode(&person); err != nil {
				return err
			}
			fmt.Println("stored", person.Name, "of", person.Company)
			return nil // only now Clay hears 200
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	srv := httptest.NewServer(h) // http.Handle("/callbacks", h) in a program
	defer srv.Close()

	// What a column of Clay sends.
	r, _ := http.NewRequest("POST", srv.URL, strings.NewReader(`{"name":"Ada Lovelace","company":"Analytical Engines"}`))
	r.Header.Set("X-Callback-Secret", "callback-secret-of-this-program")
	resp, err := srv.Client().Do(r)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	fmt.Println(resp.StatusCode, string(body))
	// Output:
	// stored Ada Lovelace of Analytical Engines
	// 200 {"ok":true}
}
