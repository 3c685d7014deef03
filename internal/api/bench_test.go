package api_test

import (
	"net/http"
	"strings"
	"testing"
)

// BenchmarkSubmit measures what the surface adds to the ledger's work for one record.
func BenchmarkSubmit(b *testing.B) {
	f := newFake(people, firms)
	f.forget = true
	g := newGateway(b, setup{store: f, hub: f.hub, guarded: true, dedupeBy: []string{"email"}})
	key, _ := g.minted(`{"scopes":["send"]}`, "")
	const body = `{"fields":{"email":"someone@company.example","first_name":"Some","last_name":"One","company":"Company, Inc."},"metadata":{"lead":4711}}`
	r := request("POST", "/v1/targets/people/records", body, key)
	w := &discard{header: http.Header{}}
	reader := strings.NewReader(body)
	r.Body = closer{reader}
	b.ReportAllocs()
	for b.Loop() {
		reader.Reset(body)
		clear(w.header)
		if g.handler.ServeHTTP(w, r); w.status != http.StatusAccepted {
			b.Fatal(w.status)
		}
	}
}

type closer struct{ *strings.Reader }

func (closer) Close() error { return nil }
