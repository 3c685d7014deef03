package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/internal/api"
	"github.com/claygate/claygate/internal/ledger"
)

const asLines = "Content-Type: application/x-ndjson"

// answers reads the answers to lines.
func answers(t testing.TB, r reply) []api.LineAnswer {
	t.Helper()
	var all []api.LineAnswer
	for line := range strings.Lines(r.body) {
		var a api.LineAnswer
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		all = append(all, a)
	}
	return all
}

// One bad line never fails the others, whatever is wrong with it.
func TestLines(t *testing.T) {
	g := newGateway(t, setup{})
	body := strings.Join([]string{
		onePerson,
		`{"fields":`,
		"",
		onePerson + "\r",
		`{"fields":{"a":"` + strings.Repeat("x", 2<<20) + `"}}`, // longer than a line may be
		"\xff\xfe",
		`[` + onePerson + `]`,
		"  \t ",
		`{"fields":{"a":"` + strings.Repeat("x", 100_000) + `"}}`, // longer than Clay takes
		`{"fields":{},"priority":3}`,
		"\x00",
		onePerson, // without an end
	}, "\n")
	got := g.do("POST", "/v1/targets/people/records", body, asLines)
	var told []string
	for _, a := range answers(t, got) {
		what := a.State
		if a.Problem != nil {
			what = fmt.Sprint(a.Problem.Status)
		}
		told = append(told, fmt.Sprint(a.Line, " ", what))
	}
	want := []string{"1 queued", "2 400", "4 queued", "5 413", "6 400", "7 400", "9 400", "10 queued", "11 400", "12 queued"}
	if diff := cmp.Diff(want, told); diff != "" || got.status != 200 {
		t.Errorf("status %d, answers (-want +got):\n%s", got.status, diff)
	}
	if status, _ := g.store.TargetStatus(t.Context(), "people"); status.Counts.Total() != 4 {
		t.Errorf("the ledger has %d records, want 4", status.Counts.Total())
	}
}

// The line of a stream of 100,000 that is too long is refused, and nothing else; the answers, which are more than memory
// is to hold, come in order.
func TestManyLines(t *testing.T) {
	const n, long = 100_000, 77_777
	f := newFake(people, firms)
	f.forget = true
	g := newGateway(t, setup{store: f, hub: f.hub})
	var body strings.Builder
	for i := 1; i <= n; i++ {
		if i == long {
			body.WriteString(strings.Repeat(" ", 1<<20))
		}
		fmt.Fprintf(&body, `{"fields":{"n":%d}}`+"\n", i)
	}
	w := request("POST", "/v1/targets/people/records", body.String(), asLines)
	got := g.plain(w)
	if len(got.body) < 2<<20 {
		t.Errorf("the answers have %d bytes, too few to need a file", len(got.body))
	}
	line := 0
	for text := range strings.Lines(got.body) {
		if line++; !strings.HasPrefix(text, fmt.Sprintf(`{"line":%d,"`, line)) || strings.Contains(text, "problem") != (line == long) {
			t.Fatalf("answer %d is %s", line, text)
		}
	}
	if line != n {
		t.Errorf("%d answers, want %d", line, n)
	}
}

// A ledger that fails in the middle is the problem of the lines that it did not take, and of no other.
func TestLinesWhileTheLedgerFails(t *testing.T) {
	f := newFake(people, firms)
	g := newGateway(t, setup{store: &full{fake: f, most: 2}, hub: f.hub})
	body := strings.Repeat(onePerson+"\n", 2_000)
	got := answers(t, g.do("POST", "/v1/targets/people/records", body, asLines))
	taken, refused := 0, 0
	for i, a := range got {
		switch {
		case a.Line != i+1:
			t.Fatalf("answer %d is to line %d", i, a.Line)
		case a.ID != "":
			taken++
		case a.Problem.Status == 503:
			refused++
		}
	}
	if taken != len(f.records) || taken == 0 || refused == 0 || taken+refused != 2_000 {
		t.Errorf("%d taken, %d refused, and the ledger has %d", taken, refused, len(f.records))
	}
	array := g.do("POST", "/v1/targets/people/records", "["+onePerson+"]")
	if array.status != 503 {
		t.Errorf("an array of which nothing was taken is answered %d", array.status)
	}
}

// An array of which some was taken says so, even when the ledger failed then.
func TestArrayWhileTheLedgerFails(t *testing.T) {
	f := newFake(people, firms)
	g := newGateway(t, setup{store: &full{fake: f, most: 2}, hub: f.hub})
	got := g.do("POST", "/v1/targets/people/records", "["+strings.Repeat(onePerson+",", 1_499)+onePerson+"]")
	all := decode[[]struct {
		ID    string
		Index *int
	}](t, got)
	for i, a := range all {
		if taken := i < 1_000; taken != (a.ID != "") || taken == (a.Index != nil && *a.Index == i) {
			t.Fatalf("answer %d is %+v", i, a)
		}
	}
	if got.status != 202 || len(all) != 1_500 || len(f.records) != 1_000 {
		t.Errorf("status %d, %d answers, %d records", got.status, len(all), len(f.records))
	}
}

func TestEmptyBulk(t *testing.T) {
	g := newGateway(t, setup{})
	if got := g.do("POST", "/v1/targets/people/records", "[]"); got.status != 200 || strings.TrimSpace(got.body) != "[]" {
		t.Errorf("an empty array is answered %d %s", got.status, got.body)
	}
	if got := g.do("POST", "/v1/targets/people/records", "\n\n", asLines); got.status != 200 || got.body != "" {
		t.Errorf("empty lines are answered %d %s", got.status, got.body)
	}
}

// A preference to wait is none that lines can have, so it is passed over, and not said to be applied.
func TestLinesDoNotWait(t *testing.T) {
	g := newGateway(t, setup{})
	got := g.do("POST", "/v1/targets/people/records", onePerson, asLines, "Prefer: wait=10")
	if got.status != 200 || got.header.Get("Preference-Applied") != "" {
		t.Errorf("status %d, Preference-Applied %q", got.status, got.header.Get("Preference-Applied"))
	}
	if r := g.store.(*fake).records[g.only()]; r.Priority != 0 {
		t.Errorf("its priority is %d", r.Priority)
	}
}

// Priorities, ages and times come to the ledger as they were handed in.
func TestItemReachesLedger(t *testing.T) {
	tests := map[string]struct {
		query, item string
		want        ledger.Record
	}{
		"nothing said":        {"", ``, ledger.Record{}},
		"somebody waits":      {"?wait=0.001s", ``, ledger.Record{Priority: 5}},
		"its own priority":    {"?wait=0.001s", `,"priority":0`, ledger.Record{Priority: 0}},
		"the highest":         {"", `,"priority":9`, ledger.Record{Priority: 9}},
		"a time for results":  {"", `,"result_timeout":90`, ledger.Record{ResultTimeout: 90e9}},
		"in words":            {"", `,"result_timeout":"1.5h"`, ledger.Record{ResultTimeout: 5400e9}},
		"in days":             {"", `,"result_timeout":"2d"`, ledger.Record{ResultTimeout: 2 * 86400e9}},
		"sent within an hour": {"", `,"send_by":"1h"`, ledger.Record{SendBy: 3600e9}},
		"sent by now":         {"", `,"send_by":0`, ledger.Record{SendBy: -1}},
		"null is the default": {"", `,"send_by":null,"priority":null,"max_age":null,"metadata":null,"callback_url":null`, ledger.Record{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t, setup{})
			if got := g.do("POST", "/v1/targets/people/records"+tt.query, `{"fields":{}`+tt.item+`}`); got.status != 202 {
				t.Fatalf("status %d: %s", got.status, got.body)
			}
			r := g.store.(*fake).records[g.only()]
			got := ledger.Record{Priority: r.Priority, ResultTimeout: r.ResultTimeout, SendBy: r.SendBy}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
