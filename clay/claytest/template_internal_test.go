package claytest

import (
	"encoding/json"
	"testing"
	"unicode/utf8"
)

// FuzzColumnBody renders bodies for any row: the default one is an object with
// the id as it came, chips keep a valid template valid JSON, and no template
// makes it panic.
func FuzzColumnBody(f *testing.F) {
	f.Add(`{"claygate_id":"a\"b","email":"jane.doe@acme.com"}`, `{"x":{{email}},"y":"{{ email }}"}`)
	f.Add(`{"claygate_id":{"b":[1e400]},"a.b":null}`, `{{a.b}}{{row.claygate_id}}`)
	f.Add(`[1]`, `"{{`)
	f.Add(`{"a":{"b":{}}}`, `\"{{a.b}}"`)
	f.Fuzz(func(t *testing.T, row, text string) {
		if !json.Valid([]byte(row)) {
			return
		}
		v := values{input: decode([]byte(row))}
		v.enriched, _ = Enrich(1, v.input)
		col, err := compile(Column{URL: "http://me/{{claygate_id}}", Body: text})
		if err == nil {
			col.url.url(v)
			col.render(v)
		}
		col, err = compile(Column{URL: "http://me/"})
		if err != nil {
			t.Fatal(err)
		}
		body := col.render(v)
		if !json.Valid([]byte(body)) {
			t.Errorf("%s gives %s", row, body)
		}
		if want := v.input["claygate_id"]; utf8.ValidString(row) && encode(decode([]byte(body))["claygate_id"]) != encode(want) {
			t.Errorf("%s gives %s", row, body)
		}
		col, err = compile(Column{URL: "http://me/", Body: `{"id":{{claygate_id}},"text":"<{{claygate_id}} {{email}}>","list":[{{email}}]}`})
		if err != nil {
			t.Fatal(err)
		}
		if body := col.render(v); !json.Valid([]byte(body)) {
			t.Errorf("%s gives %s", row, body)
		}
	})
}
