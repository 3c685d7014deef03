package claytest_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/claygate/claygate/clay/claytest"
)

// In a test it is one line: s := claytest.New(t, claytest.Options{}).
func Example() {
	s, err := claytest.Start(claytest.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()

	resp, err := http.Post(s.WebhookURL("people"), "application/json", strings.NewReader(`{"email":"jane.doe@acme.com"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.StatusCode, string(s.Rows()[0].Body))
	// Output: 200 {"email":"jane.doe@acme.com"}
}

// A table with an HTTP API column calls back for every row.
func ExampleServer_SetColumn() {
	callback := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, `{"ok":true}`)
	}))
	defer callback.Close()
	s, err := claytest.Start(claytest.Options{Misses: -1}) // everybody is found
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	err = s.SetColumn(claytest.Column{
		URL:    callback.URL,
		Header: http.Header{"X-Secret": {"only we know"}},
		Body:   `{"id":{{claygate_id}},"name":{{name}},"company":{{company}}}`,
		Delay:  claytest.Delay{Max: -1}, // at once
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	resp, err := http.Post(s.WebhookURL("people"), "application/json",
		strings.NewReader(`{"claygate_id":"r1.1.tag","email":"jane.doe@acme.com"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.WaitIdle(ctx); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("sent:", s.Callbacks()[0].Body)
	fmt.Println("cell:", s.Rows()[0].Cell.Value)
	// Output:
	// sent: {"id":"r1.1.tag","name":"Jane Doe","company":"Acme"}
	// cell: {"ok":true}
}
