package intake

import (
	"encoding/json"
	"testing"
)

func TestMention(t *testing.T) {
	for name, tt := range map[string]struct {
		of     mention
		bodies []string
		want   bool
	}{
		"a value":                       {mention{"ada@example.com"}, []string{`{"email":"Ada@Example.com "}`}, true},
		"within a text":                 {mention{"ada@example.com"}, []string{`{"note":["from Ada <ada@example.com>"]}`}, true},
		"escaped":                       {mention{"ada@example.com"}, []string{`{"note":"\u0041da@example.com"}`}, true},
		"a name of a member":            {mention{"ada@example.com"}, []string{`{"ada@example.com":1}`}, true},
		"a number":                      {mention{"4711"}, []string{`{"id":4711}`}, true},
		"a short value within a text":   {mention{"ada"}, []string{`{"note":"Canada"}`}, false},
		"a short value":                 {mention{"ada"}, []string{`{"first":"Ada"}`}, true},
		"all of several":                {mention{"ada", "lovelace ltd"}, []string{`{"first":"Ada"}`, `{"firm":"Lovelace Ltd"}`}, true},
		"one of several":                {mention{"ada", "lovelace ltd"}, []string{`{"first":"Ada"}`, `{"firm":"Babbage Ltd"}`}, false},
		"something else that is likely": {mention{"ada@example.com"}, []string{`{"email":"b@example.com","note":"\n"}`}, false},
		"no JSON":                       {mention{"ada@example.com"}, []string{`email=ada@example.com&x=\`}, true},
		"nothing":                       {mention{"ada"}, []string{``, ``}, false},
	} {
		t.Run(name, func(t *testing.T) {
			var bodies []json.RawMessage
			for _, b := range tt.bodies {
				bodies = append(bodies, json.RawMessage(b))
			}
			if got := tt.of.in(bodies...); got != tt.want {
				t.Errorf("%t, want %t", got, tt.want)
			}
		})
	}
}
