package clay_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/claygate/claygate/clay"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

type inner struct {
	City string `json:"city"`
	Zip  int    `json:"zip"`
}

type base struct {
	ID string `json:"id"`
}

// Label is embedded and no struct, so its field is named after it.
type Label string

// shadowed has a field of the same JSON name as quirky has less deep.
type shadowed struct {
	Points string `json:"score"`
}

type quirky struct {
	base
	shadowed
	Label
	Name   string            `json:"name"`
	Score  int               `json:"score"`
	Share  float64           `json:"share"`
	Valid  bool              `json:"valid"`
	Since  time.Time         `json:"since"`
	Where  inner             `json:"where"`
	Also   *inner            `json:"also"`
	Tags   []string          `json:"tags"`
	Counts []int             `json:"counts"`
	More   map[string]int    `json:"more"`
	Any    any               `json:"any"`
	Raw    json.RawMessage   `json:"raw"`
	Raws   []json.RawMessage `json:"raws"`
	Grid   [][]int           `json:"grid"`
	Tree   tree              `json:"tree"`
	Quoted int64             `json:"quoted,string"`
	Also2  *int              `json:"also2,string"`
	Words  string            `json:"words,string"`
	Blob   []byte            `json:"blob"`
	Labels map[string]string `json:"labels"`
	Rank   string            `json:"rank"`
	Level  int               `json:"RANK"`
	Number json.Number       `json:"number"`
	Person clay.Person       `json:"person"`
	deeper
}

// deeper is like shadowed, but stands behind the field it shadows.
type deeper struct {
	Shares string `json:"share"`
}

// tree is made of itself: a value that stands for a list of one would never end.
type tree []*tree

func TestUnmarshalTakesClaysQuirks(t *testing.T) {
	for name, tc := range map[string]struct {
		body string
		want quirky
	}{
		"as it should be":     {`{"id":"a","name":"Ada","score":7,"valid":true}`, quirky{base: base{"a"}, Name: "Ada", Score: 7, Valid: true}},
		"case":                {`{"ID":"a","NAME":"Ada"}`, quirky{base: base{"a"}, Name: "Ada"}},
		"numbers as strings":  {`{"score":"42","share":" 0.5 ","quoted":"9007199254740993"}`, quirky{Score: 42, Share: .5, Quoted: 9007199254740993}},
		"separators":          {`{"score":"1,234","share":"-12,345.5"}`, quirky{Score: 1234, Share: -12345.5}},
		"whole as float":      {`{"score":12.0,"counts":[1.2e3]}`, quirky{Score: 12, Counts: []int{1200}}},
		"strings as numbers":  {`{"id":17,"name":12345678901234567890,"labels":{"a":true}}`, quirky{base: base{"17"}, Name: "12345678901234567890", Labels: map[string]string{"a": "true"}}},
		"booleans":            {`{"valid":"TRUE"}`, quirky{Valid: true}},
		"empty":               {`{"score":"","valid":"","since":"","where":"","also":"","tags":"","more":"","name":""}`, quirky{}},
		"null":                {`{"score":null,"since":null,"also":null,"tags":null,"name":null}`, quirky{}},
		"[object Object]":     {`{"where":"[object Object]","name":"[object Object]","score":"[object Object]"}`, quirky{}},
		"JSON in a string":    {`{"where":"{\"city\":\"Bath\",\"zip\":\"5\"}","tags":"[\"a\",2]"}`, quirky{Where: inner{"Bath", 5}, Tags: []string{"a", "2"}}},
		"one for a list":      {`{"tags":"a","counts":"3"}`, quirky{Tags: []string{"a"}, Counts: []int{3}}},
		"nested":              {`{"also":{"zip":"7"},"more":{"a":"1","b":""}}`, quirky{Also: &inner{Zip: 7}, More: map[string]int{"a": 1, "b": 0}}},
		"a literal reference": {`{"name":"/Full Name"}`, quirky{Name: "/Full Name"}},
		"time":                {`{"since":"2026-01-02T03:04:05Z"}`, quirky{Since: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}},
		"unknown fields":      {`{"what":{"is":["this"]}}`, quirky{}},
		"bytes":               {`{"blob":"aGk="}`, quirky{Blob: []byte("hi")}},
		"exact before fold":   {`{"rank":7,"RANK":"8"}`, quirky{Rank: "7", Level: 8}},
		"shadowed":            {`{"score":"7","share":"0.5"}`, quirky{Score: 7, Share: .5}},
		"blank":               {`{"score":" ","also":"\n","quoted":"","also2":" ","valid":"\t"}`, quirky{}},
		"quoted":              {`{"quoted":"1,234","also2":5,"words":"\"a\""}`, quirky{Quoted: 1234, Also2: new(5), Words: "a"}},
		"embedded, no struct": {`{"label":"a"}`, quirky{Label: "a"}},
		"as Clay sent it":     {`{"raw": {"b":"<&>","a":1.0},"raws":[{"z":1,"y":2}]}`, quirky{Raw: json.RawMessage(`{"b":"<&>","a":1.0}`), Raws: []json.RawMessage{json.RawMessage(`{"z":1,"y":2}`)}}},
		"one raw for a list":  {`{"raws":5}`, quirky{Raws: []json.RawMessage{json.RawMessage(`5`)}}},
		"null in a list":      {`{"counts":[1,null,"",2],"raws":[null]}`, quirky{Counts: []int{1, 0, 0, 2}, Raws: []json.RawMessage{json.RawMessage(`null`)}}},
		"as text or not":      {`{"number":"1,234.50"}`, quirky{Number: "1234.50"}},
		"no number":           {`{"number":" ","person":""}`, quirky{}},
		"a type of ours":      {`{"person":"{\"Name\":\"Ada\",\"TITLE\":7,\"x\":1}"}`, quirky{Person: clay.Person{Name: "Ada", Title: "7", Extra: map[string]json.RawMessage{"x": json.RawMessage("1")}}}},
		"one name, thrice":    {`{"SCORE":"3","score":"1","Score":"2"}`, quirky{Score: 1}},
		"the exact is empty":  {`{"SCORE":"3","score":""}`, quirky{}},
		"list of lists":       {`{"grid":[["1",2],"[3]",null]}`, quirky{Grid: [][]int{{1, 2}, {3}, nil}}},
	} {
		t.Run(name, func(t *testing.T) {
			var got quirky
			if err := clay.Unmarshal([]byte(tc.body), &got); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tc.want, got, cmp.AllowUnexported(quirky{})); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestUnmarshalRefusesWhatIsWrong(t *testing.T) {
	for name, body := range map[string]string{
		"word for number": `{"score":"many"}`, "decimal comma": `{"score":"1,5"}`, "fraction for int": `{"score":"1.5"}`,
		"reference for number": `{"score":"/Score"}`, "object for string": `{"name":{"first":"Ada"}}`, "word for bool": `{"valid":"perhaps"}`,
		"no JSON": `{"score":`, "two values": `{} {}`, "list for object": `[1]`, "too big": `{"score":"99999999999999999999"}`,
		"hex": `{"score":"0x10"}`, "infinite": `{"share":"Inf"}`, "more than a float holds": `{"score":9007199254740993.0}`, "word for quoted": `{"quoted":"many"}`, "word for Number": `{"number":"many"}`, "list for a person": `{"person":"[]"}`,
		"one for a list of lists": `{"grid":5}`, "one for a list of itself": `{"tree":5}`,
	} {
		if err := clay.Unmarshal([]byte(body), new(quirky)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if clay.Unmarshal([]byte(`{}`), nil) == nil || clay.Unmarshal([]byte(`{}`), quirky{}) == nil {
		t.Error("no error for a target that cannot be set")
	}
}

// What encoding/json reads, Unmarshal reads to the same value.
func TestUnmarshalAgreesWithEncodingJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[a-zA-Z0-9 ./{\[]{0,8}`)
		in := quirky{
			base: base{text.Draw(t, "id")}, Name: text.Draw(t, "name"), Score: rapid.Int().Draw(t, "score"),
			Share: rapid.Float64Range(-1e9, 1e9).Draw(t, "share"), Valid: rapid.Bool().Draw(t, "valid"),
			Tags: rapid.SliceOfN(text, 1, 3).Draw(t, "tags"), Counts: rapid.SliceOfN(rapid.Int(), 1, 3).Draw(t, "counts"),
			Quoted: rapid.Int64().Draw(t, "quoted"), Where: inner{text.Draw(t, "city"), rapid.Int().Draw(t, "zip")},
			More: rapid.MapOfN(text, rapid.Int(), 1, 3).Draw(t, "more"), Any: text.Draw(t, "any"), Raw: json.RawMessage(`{"a":1}`),
		}
		data, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		var plain, ours quirky
		if err := json.Unmarshal(data, &plain); err != nil {
			t.Fatal(err)
		}
		if err := clay.Unmarshal(data, &ours); err != nil || !reflect.DeepEqual(plain, ours) {
			t.Fatalf("%s\n%v\n%s", data, err, cmp.Diff(plain, ours, cmp.AllowUnexported(quirky{})))
		}
	})
}

func FuzzUnmarshal(f *testing.F) {
	f.Add([]byte(`{"score":"42","where":"{\"zip\":\"5\"}","tags":"[\"a\"]"}`))
	f.Add([]byte(`{"any":[1e999],"raw":null,"blob":[1]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var v quirky
		if clay.Unmarshal(data, &v) == nil && !json.Valid(data) {
			t.Fatalf("took what is no JSON: %q", data)
		}
	})
}
