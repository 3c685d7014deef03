package app

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/claygate/claygate/internal/ledger"
)

// Clay calls back from few addresses, and for a large table often: nothing throttles one that sends much.
func TestManyCallbacksFromOneAddress(t *testing.T) {
	const callbacks = 500
	s := serve(t, Target{Name: "people"})
	items := make([]map[string]any, callbacks)
	for i := range items {
		items[i] = map[string]any{"fields": map[string]any{"n": i}}
	}
	if status, body := s.post("http://"+s.APIAddr()+"/v1/targets/people/records", items); status != http.StatusAccepted {
		t.Fatalf("%d %s", status, body)
	}
	rows := make(chan map[string]any, callbacks)
	for range callbacks {
		rows <- s.row()
	}
	close(rows)
	var callers sync.WaitGroup
	for range 32 {
		callers.Go(func() {
			for row := range rows {
				text, _ := json.Marshal(map[string]any{ledger.TicketField: row[ledger.TicketField], "title": "Countess"})
				resp, err := s.client.Post("http://"+s.CallbackAddr()+CallbackPath+"people", "application/json", bytes.NewReader(text))
				if err != nil {
					t.Error(err)
					return
				}
				resp.Body.Close()
				if resp.StatusCode != http.StatusOK {
					t.Errorf("a callback was answered %d", resp.StatusCode)
				}
			}
		})
	}
	callers.Wait()
	if done := s.get("/v1/targets")["targets"].([]any)[0].(map[string]any)["counts"].(map[string]any)["done"]; done != float64(callbacks) {
		t.Errorf("%v records are done, want %d", done, callbacks)
	}
}

// A body that inflates a thousandfold is not inflated, wherever it comes in.
func TestCompressedBodiesAreRefused(t *testing.T) {
	s := serve(t, Target{Name: "people"})
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	fmt.Fprintf(z, `{"fields":{"a":%q}}`, strings.Repeat("a", 10<<20))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]int{
		"http://" + s.APIAddr() + "/v1/targets/people/records": http.StatusUnsupportedMediaType,
		"http://" + s.APIAddr() + "/v3/sources/webhook/people": http.StatusBadRequest,
		"http://" + s.CallbackAddr() + CallbackPath + "people": http.StatusBadRequest,
		"http://" + s.CallbackAddr() + CallbackPath + "nobody": http.StatusNotFound,
	} {
		r, err := http.NewRequestWithContext(t.Context(), "POST", url, bytes.NewReader(bomb.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Content-Encoding", "gzip")
		resp, err := s.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: %d, want %d", url, resp.StatusCode, want)
		}
	}
}
