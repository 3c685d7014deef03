package clay_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/clay/claytest"
)

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
	// A body that does not fit cannot fit the next time: 400, also when a Store of one's own
	// returns what Decode returned. And null is no row.
	own := handler(t, clay.CallbackConfig{Store: func(_ context.Context, cb clay.Callback) error {
		var e enriched
		if err := cb.Decode(&e); err != nil {
			return err
		}
		got <- e
		return nil
	}})
	for _, h := range []http.Handler{h, own} {
		for _, body := range []string{`{"score":"forty-two"}`, `null`, ` "" `, `[]`} {
			if w := call(h, body); w.Code != 400 || len(got) != 0 {
				t.Errorf("%s: %d %s, stored %d", body, w.Code, w.Body, len(got))
			}
		}
		if w := call(h, `{}`); w.Code != 200 || (<-got) != (enriched{}) {
			t.Errorf("an object with nothing in it: %d %s", w.Code, w.Body)
		}
	}
	both := clay.CallbackConfig{Secrets: []string{secret}, Store: keep}
	if _, err := table.CallbackHandler(both, func(context.Context, enriched) error { return nil }); !errors.Is(err, clay.KindConfig) {
		t.Errorf("two stores: %v", err)
	}
	if _, err := table.CallbackHandler(clay.CallbackConfig{Secrets: []string{secret}}, nil); !errors.Is(err, clay.KindConfig) {
		t.Errorf("no store: %v", err)
	}
}

// A struct goes out, and another comes back: the callback's body is already of its type.
func ExampleTable_CallbackHandler() {
	type Lead struct{ Email string }
	type Scored struct {
		Email string `json:"email"`
		Score int    `json:"score"`
	}
	table := clay.NewTable[Lead, Scored](nil) // nil: this program only receives
	h, err := table.CallbackHandler(
		clay.CallbackConfig{Secrets: []string{"callback-secret-of-this-program"}},
		func(_ context.Context, s Scored) error {
			fmt.Println("stored", s.Email, s.Score)
			return nil
		},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	r := httptest.NewRequest("POST", "/callbacks", strings.NewReader(`{"email":"ada@example.com","score":"42"}`))
	r.Header.Set("X-Callback-Secret", "callback-secret-of-this-program")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	fmt.Println(w.Code)
	// Output:
	// stored ada@example.com 42
	// 200
}
