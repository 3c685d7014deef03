package dispatch

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/clay/claytest"
)

// What people read beside a row that failed: what happened first, then what to do about it.
func TestReasons(t *testing.T) {
	tests := map[string]struct {
		clay claytest.Options
		want string
	}{
		"a wrong token": {claytest.Options{Token: "right"},
			"Clay answered 401: Authentication token is missing or wrong; check the webhook token or API key; rotating a token in Clay makes the old one invalid at once"},
		"a bad gateway": {claytest.Options{Faults: []claytest.Fault{{Kind: claytest.Answer, Status: []int{502}, Body: "<html>\r\n<b>oops</b>"}}},
			"Clay answered 502: <html> <b>oops</b>; the row may be in Clay; look there, or wait for its result, before sending it again"},
		"a bare 400": {claytest.Options{Faults: []claytest.Fault{{Kind: claytest.Answer, Status: []int{400}, Body: " "}}},
			"Clay answered 400"},
		"silence": {claytest.Options{Faults: []claytest.Fault{{Kind: claytest.Slow, Latency: time.Hour}}},
			"Clay did not answer: no complete answer within 30s: context deadline exceeded; the row may be in Clay; look there, or wait for its result, before sending it again"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if got := attempt(t, tt.clay, clay.Config{}).Reason; got != tt.want {
					t.Errorf("%s\nwant\n%s", got, tt.want)
				}
			})
		})
	}
}

// A page of HTML in a spreadsheet's cell helps nobody, and half a character breaks it.
func TestReasonIsShort(t *testing.T) {
	for _, body := range []string{strings.Repeat("é", 300), `{"message":"` + strings.Repeat("x", 900) + `"}`} {
		if got := said(body); len(got) > 210 || !utf8.ValidString(got) {
			t.Errorf("%d bytes, valid %t: %s", len(got), utf8.ValidString(got), got)
		}
	}
}
