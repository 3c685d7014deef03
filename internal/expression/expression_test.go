package expression

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const fields = `{"status":"finished","items":[{"ok":true,"n":1},{"n":2}],"score":"7","Work Email":"x","count":1,"len":1,"none":null,
	"huge":1e400,"n":2,"half":0.5}`

func TestHolds(t *testing.T) {
	for text, want := range map[string]bool{
		``:                     true,
		`true`:                 true,
		`status == "finished"`: true,
		`status == "failed"`:   false,
		`status contains "fin" and status matches "^f.*d$"`: true,
		`missing == nil`:                                true,
		`missing.email.value == nil`:                    true,
		`status.email == nil`:                           false,
		`$env["Work Email"] == "x"`:                     true,
		`count == 1 and len == 1`:                       true, // fields with the names of functions
		`len(items) == 2 and items[1].n == 2`:           true,
		`items[-1].n == 2`:                              true,
		`any(items, .ok) and not all(items, .ok)`:       true,
		`sum(items, .n) + n == 5`:                       true,
		`float(score) > 6.5`:                            true,
		`huge > 1.7e308`:                                true,
		`half == 0.5 and n == 2.0`:                      true,
		`not (missing in [nil, ""])`:                    false,
		`(missing ?? "") == ""`:                         true,
		"status ==\n  \"finished\"":                     true,
		`let all_ok = all(items, .ok); not all_ok`:      true,
		`filter(items, any($env.items, .n == 2))[0].ok`: true,
	} {
		c, err := Compile(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got, err := c.Holds(json.RawMessage(fields))
		if text == `status.email == nil` {
			if err == nil {
				t.Errorf("%s: a field of a text has no error", text)
			}
			continue
		}
		if err != nil || got != want {
			t.Errorf("%s: %v, %v, want %v", text, got, err, want)
		}
	}
}

func TestCompileSaysWhatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		`1 + 1 == `:                            "unexpected token EOF (at its column 9)",
		"status ==\n !!":                       "unexpected token EOF (at its line 2, column 3)",
		`len("x")`:                             "comes to int, and it must come to true or false",
		`nil`:                                  "comes to unknown, and it must come to true or false",
		`now() > status`:                       "there is no function now (at its column 1)",
		`a.now() == 1`:                         "there is no function now (at its column 3)",
		`reduce(items, #acc) == 1`:             "there is no function reduce (at its column 1)",
		`any(items, repeat(#, 2))`:             "there is no function repeat (at its column 12)",
		`status matches "("`:                   "error parsing regexp: missing closing ): `(` (at its column 8)",
		strings.Repeat("a", 4097):              "is longer than 4096 bytes",
		"a" + strings.Repeat("+a", 400) + ">1": "",
	} {
		_, err := Compile(text)
		switch {
		case err == nil:
			t.Errorf("%.40s: no mistake was found", text)
		case strings.Contains(err.Error(), "\n"):
			t.Errorf("%.40s: said on several lines: %v", text, err)
		case want != "":
			if diff := cmp.Diff(want, err.Error()); diff != "" {
				t.Errorf("%.40s (-want +got):\n%s", text, diff)
			}
		}
	}
}

func TestHoldsSaysWhyThereIsNoAnswer(t *testing.T) {
	for text, want := range map[string]string{
		`status`:              "it comes to something else than true or false (at its column 1)",
		`score > 5`:           "invalid operation: string > int (at its column 7)",
		`items[7].ok`:         "index out of range: 7 (array length is 2) (at its column 6)",
		`status + "x" == "y"`: "+ adds numbers, and one side is a text (at its column 8)",
		`1..10000000 == nil`:  "memory budget exceeded (at its column 2)",
	} {
		c, err := Compile(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if _, err := c.Holds(json.RawMessage(fields)); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	c, _ := Compile("true")
	for _, wrong := range []string{``, `null`, `[]`, `{"a":`, `"x"`} {
		if _, err := c.Holds(json.RawMessage(wrong)); err == nil {
			t.Errorf("%q counts as an object", wrong)
		}
	}
}

// TestBudget holds loops within loops, and many parts on much, to a bounded time.
func TestBudget(t *testing.T) {
	large := json.RawMessage(`{"a":[` + strings.Repeat("1,", 499_999) + `1]}`)
	for _, text := range []string{
		`any(a, any($env.a, any($env.a, # == 2)))`,
		`any(a, 2 in $env.a)`,
		strings.Repeat("2 in a or ", 110) + "2 in a",
	} {
		c, err := Compile(text)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		_, err = c.Holds(large)
		if err == nil || !strings.Contains(err.Error(), "takes too long") {
			t.Errorf("%.40s: %v, want that it takes too long", text, err)
		}
		if took := time.Since(start); took > time.Minute { // without a budget: hours; with the race detector on busy cores: half a minute
			t.Errorf("%.40s took %s", text, took)
		}
	}
	c, _ := Compile(`any(items, .n == 999 and any($env.items, .n == 998))`)
	honest := json.RawMessage(`{"items":[` + strings.Repeat(`{"n":999},`, 300) + `{"n":1}]}`)
	if ok, err := c.Holds(honest); err != nil || ok {
		t.Errorf("an honest loop within a loop: %v, %v", ok, err)
	}
}

func FuzzHolds(f *testing.F) {
	f.Add(`status == "finished"`, fields)
	f.Add(`any(items, .n + 1 > len(items))`, fields)
	f.Add(`$env["a"]?.b[0] matches c`, `{"a":{"b":["x"]},"c":"("}`)
	f.Fuzz(func(t *testing.T, text, object string) {
		c, err := Compile(text)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("said on several lines: %q", err)
			}
			return
		}
		first, err := c.Holds(json.RawMessage(object))
		again, errAgain := c.Holds(json.RawMessage(object))
		if first != again || (err == nil) != (errAgain == nil) {
			t.Errorf("%q on %q: %v, %v and then %v, %v", text, object, first, err, again, errAgain)
		}
	})
}
