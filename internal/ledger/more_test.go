package ledger

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"
)

// What is said after a glance is what reading both objects says.
func TestBringsMore(t *testing.T) {
	sure := 0
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SampledFrom([]string{"a", "b", "title", "t\\u0069tle", "", "é"})
		values := rapid.SampledFrom([]string{`null`, `""`, `" "`, `"x"`, `"title"`, `0`, `-1.5e3`, `true`, `[]`, `[ ]`, `{}`, `{"a":1}`, `[","]`, `"a\"b"`})
		blanks := rapid.SampledFrom([]string{"", " ", "\n\t"})
		object := func(label string) string {
			text, separator := "{", ""
			for _, name := range rapid.SliceOfNDistinct(names, 0, 4, rapid.ID).Draw(t, label) {
				text += separator + blanks.Draw(t, "blank") + `"` + name + `"` + blanks.Draw(t, "blank") + ":" + blanks.Draw(t, "blank") + values.Draw(t, "value") + blanks.Draw(t, "blank")
				separator = ","
			}
			return text + "}"
		}
		input, output := json.RawMessage(object("input")), json.RawMessage(object("output"))
		if !bringsMore(input, output) {
			return
		}
		sure++
		in, errIn := decode(input)
		out, errOut := decode(output)
		if errIn != nil || errOut != nil {
			t.Fatalf("%s %s: %v %v", input, output, errIn, errOut)
		}
		for name, value := range out.(map[string]any) {
			if _, sent := in.(map[string]any)[name]; !sent && value != nil && value != "" {
				return
			}
		}
		t.Errorf("%s brings nothing that is not in %s", output, input)
	})
	if sure == 0 {
		t.Error("it was never sure")
	}
}

func TestBringsMoreOfNothing(t *testing.T) {
	for _, output := range []string{``, ` `, `{`, `{}`, `null`, `[1]`, `"x"`, `{"a":`, `{"a":1}x`} {
		if bringsMore(nil, json.RawMessage(output)) {
			t.Errorf("%q brings something", output)
		}
	}
}
