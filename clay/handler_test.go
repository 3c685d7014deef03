package clay_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/claygate/claygate/clay"
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
		after := false
		h := handler(t, clay.CallbackConfig{Store: store, Queue: 1, After: func(context.Context, clay.Callback) { after = true }})
		for range 3 { // what was not stored takes no room
			w := call(h, `{"id":"1"}`)
			// 429, because Clay does not try again after 5xx.
			if w.Code != 429 || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "not stored") || strings.Contains(w.Body.String(), "disk") {
				t.Errorf("%s: %d %s", name, w.Code, w.Body)
			}
		}
		if err := h.Shutdown(t.Context()); err != nil || after {
			t.Errorf("%s: %v, After was called: %t", name, err, after)
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
		if w.Header().Get("Content-Type") != "application/json" || !json.Valid(w.Body.Bytes()) || (w.Header().Get("Allow") == "POST") != (w.Code == 405) {
			t.Errorf("%s: %v %s", name, w.Header(), w.Body)
		}
	}
}

// A callback carries the header, but not the secret in it: it will be logged and stored.
func TestCallbackCarriesNoSecret(t *testing.T) {
	secrets := []string{secret}
	var got http.Header
	h := handler(t, clay.CallbackConfig{Secrets: secrets, Header: "x-my-key", Store: func(_ context.Context, cb clay.Callback) error {
		got = cb.Header
		return nil
	}})
	secrets[0] = "changed after NewCallbackHandler" // settings are copied
	w := call(h, `{}`, func(r *http.Request) {
		r.Header.Set("X-My-Key", secret)
		r.Header.Set("X-Callback-Secret", "")
		r.Header.Set("X-Row", "7")
	})
	if w.Code != 200 || got.Get("X-Row") != "7" || got.Get("X-My-Key") != "" || strings.Contains(fmt.Sprint(got), "5ecre7") {
		t.Errorf("%d: %v", w.Code, got)
	}
}

// Both are asked, in whatever state they are; a zero handler refuses everything; and a
// request without a body, as http.NewRequest makes it, is not a crash.
func TestCallbackAuthenticationFailsClosed(t *testing.T) {
	stored := false
	store := func(context.Context, clay.Callback) error { stored = true; return nil }
	fine := func(*http.Request) error { return nil }
	for name, tc := range map[string]struct {
		h      http.Handler
		secret string
		status int
	}{
		"both right":        {handler(t, clay.CallbackConfig{Store: store, Authenticate: fine}), secret, 200},
		"wrong secret":      {handler(t, clay.CallbackConfig{Store: store, Authenticate: fine}), "wrong", 401},
		"refused":           {handler(t, clay.CallbackConfig{Store: store, Authenticate: func(*http.Request) error { return errors.New("no") }}), secret, 401},
		"panic":             {handler(t, clay.CallbackConfig{Store: store, Authenticate: func(*http.Request) error { panic("boom") }}), secret, 401},
		"zero handler":      {new(clay.CallbackHandler), secret, 401},
		"zero, no secret":   {new(clay.CallbackHandler), "", 401},
		"only Authenticate": {handler(t, clay.CallbackConfig{Secrets: []string{}, Store: store, Authenticate: fine}), "", 200},
	} {
		stored = false
		w := call(tc.h, `{}`, func(r *http.Request) { r.Header.Set("X-Callback-Secret", tc.secret) })
		if w.Code != tc.status || stored != (tc.status == 200) {
			t.Errorf("%s: %d %s, stored %t", name, w.Code, w.Body, stored)
		}
	}
	if err := new(clay.CallbackHandler).Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if w := call(handler(t, clay.CallbackConfig{}), ``, func(r *http.Request) { r.Body = nil }); w.Code != 400 {
		t.Errorf("no body: %d", w.Code)
	}
}

// A body whose reader panics, which net/http survives, takes no room for good.
func TestPanicInTheBodyLeavesTheRoom(t *testing.T) {
	h := handler(t, clay.CallbackConfig{Queue: 1, After: func(context.Context, clay.Callback) {}})
	func() {
		defer func() { _ = recover() }()
		call(h, ``, func(r *http.Request) { r.Body = struct{ io.ReadCloser }{} })
		t.Error("no panic")
	}()
	if w := call(h, `{}`); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
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
		if w := call(h, `{}`); w.Code != 429 || stored.Load() != 5 {
			t.Errorf("with room again, but after Shutdown: %d, %d stored", w.Code, stored.Load())
		}
	})
}

// When Shutdown gives up waiting, so does what it waits for.
func TestShutdownEndsAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		h := handler(t, clay.CallbackConfig{After: func(ctx context.Context, _ clay.Callback) { <-ctx.Done(); ended <- ctx.Err() }})
		if w := call(h, `{}`); w.Code != 200 {
			t.Fatal(w.Code)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := h.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// listener hands out in-memory connections, which work inside a bubble.
type listener struct {
	conns chan net.Conn
	done  chan struct{}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error { close(l.done); return nil }

func (l *listener) Addr() net.Addr { return &net.TCPAddr{} }

// A body that drips has as long as everything else: Timeout bounds reading and storing
// together, so that Clay hears an answer before it hangs up. The connection lives on.
func TestCallbackTimeoutCoversBodyAndStore(t *testing.T) {
	for name, tc := range map[string]struct {
		drips, stores time.Duration
		status        int
		took          time.Duration
	}{
		"all in time":     {4 * time.Second, 5 * time.Second, 200, 9 * time.Second},
		"body too slow":   {time.Hour, 0, 408, 10 * time.Second},
		"store too slow":  {0, time.Hour, 429, 10 * time.Second},
		"both a bit slow": {6 * time.Second, 6 * time.Second, 429, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := handler(t, clay.CallbackConfig{Timeout: 10 * time.Second, Store: func(ctx context.Context, _ clay.Callback) error {
					select {
					case <-time.After(tc.stores):
						return nil
					case <-ctx.Done():
						return ctx.Err()
					}
				}})
				l := &listener{make(chan net.Conn), make(chan struct{})}
				srv := &http.Server{Handler: h}
				go func() { _ = srv.Serve(l) }()
				defer srv.Close()
				here, there := net.Pipe()
				defer here.Close()
				l.conns <- there
				const body = `{"a":1}`
				start := time.Now()
				fmt.Fprintf(here, "POST / HTTP/1.1\r\nHost: x\r\nX-Callback-Secret: %s\r\nContent-Length: %d\r\n\r\n%s", secret, len(body), body[:1])
				time.AfterFunc(tc.drips, func() { _, _ = io.WriteString(here, body[1:]) })
				resp, err := http.ReadResponse(bufio.NewReader(here), nil)
				if err != nil || resp.StatusCode != tc.status || time.Since(start) != tc.took {
					t.Errorf("%v, %v after %s", resp, err, time.Since(start))
				}
			})
		})
	}
}

func TestStoreOutlivesTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, hangUp := context.WithCancel(t.Context())
		h := handler(t, clay.CallbackConfig{Timeout: time.Second, Store: func(ctx context.Context, _ clay.Callback) error {
			start := time.Now()
			hangUp()
			if <-ctx.Done(); time.Since(start) != time.Second {
				t.Errorf("the store had %s", time.Since(start))
			}
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
	// encoding/json and time quote what they cannot read.
	typed, err := clay.NewTable[row, quirky](nil).CallbackHandler(clay.CallbackConfig{Secrets: []string{secret}, Logger: slog.New(slog.NewTextHandler(&log, nil))},
		func(context.Context, quirky) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{`{"since":"ada@example.com"}`, `{"number":"ada@example.com"}`, `{"score":"ada@example.com"}`, `{"more":{"ada@example.com":"x"}}`, `{"counts":[77777777777777777777]}`} {
		if w := call(typed, body); w.Code != 400 {
			t.Errorf("%s: %d", body, w.Code)
		}
	}
	if s := log.String(); strings.Contains(s, "5ecre7") || strings.Contains(s, "ada@") || strings.Contains(s, "777") || strings.Count(s, "\n") != 8 || !strings.Contains(s, "string for score int") || !strings.Contains(s, "disk full") {
		t.Error(s)
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
