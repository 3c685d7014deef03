package claytest_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/claygate/claygate/clay/claytest"
)

func TestBotched(t *testing.T) {
	sent := map[claytest.Mistake]string{
		claytest.TypedID:       `{"claygate_id":"/claygate_id","name":"Ada`,
		claytest.TypedFields:   `{"claygate_id":"7","name":"/name"}`,
		claytest.ObjectID:      `{"claygate_id":"[object Object]","name":"Ada`,
		claytest.MissingID:     `{"name":"Ada`,
		claytest.EmptyID:       `{"claygate_id":null,"name":"Ada`,
		claytest.WrongHeader:   `{"claygate_id":"7","name":"Ada`,
		claytest.RequiredInput: "", claytest.FalseOnlyIf: "",
	}
	for _, m := range claytest.Mistakes() {
		t.Run(string(m), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newReceiver(t, nil)
				c, err := claytest.Column{
					URL: "http://me/", Delay: atOnce, Fields: []string{"name"}, Header: map[string][]string{"X-Secret": {"right"}},
				}.Botched(m)
				if err != nil {
					t.Fatal(err)
				}
				s := claytest.New(t, claytest.Options{InMemory: true, Misses: -1, Transport: r.transport, Column: c})
				mustPost(t, s, "people", `{"email":"ada.lovelace@acme.example","claygate_id":"7"}`)
				idle(t, s)
				want, known := sent[m]
				calls := s.Callbacks()
				switch {
				case !known:
					t.Error("the mistake has no test")
				case want == "" && len(calls) > 0:
					t.Errorf("%d callbacks, want none", len(calls))
				case want != "" && (len(calls) != 1 || !strings.HasPrefix(calls[0].Body, want)):
					t.Errorf("callbacks %+v, want one of %s", calls, want)
				case want != "" && (r.requests[0].Header.Get("X-Secret") == "right") == (m == claytest.WrongHeader):
					t.Errorf("the header is %q", r.requests[0].Header.Get("X-Secret"))
				}
			})
		})
	}
	if _, err := (claytest.Column{}).Botched("typo"); err == nil {
		t.Error("a mistake that is none is taken")
	}
}
