package api_test

import (
	"strings"
	"testing"
)

func TestSubmitOne(t *testing.T) {
	g := newGateway(t, onDisk(t))
	got := g.do("POST", "/v1/targets/people/records", `{"fields":{"email":"jo@example.com"},"metadata":{"lead":7}}`)
	if got.status != 202 {
		t.Fatalf("status %d: %s", got.status, got.body)
	}
	id := decode[record](t, got).ID
	if got.header.Get("Location") != "/v1/records/"+id {
		t.Errorf("Location is %q for the record %q", got.header.Get("Location"), id)
	}
	again := g.do("GET", "/v1/records/"+id, "")
	if again.status != 200 || !strings.Contains(again.body, `"metadata":{"lead":7}`) || !strings.Contains(again.body, `"state":"queued"`) {
		t.Errorf("it is read back as %d %s", again.status, again.body)
	}
}
