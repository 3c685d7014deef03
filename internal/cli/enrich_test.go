package cli

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/clay/claytest"
)

func TestEnrichWritesRowsInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, claytest.Options{Misses: -1})
	in := w.file("leads.csv", leads(30))
	r := w.enrich(in, "-o", w.path("out.csv"))
	if r.code != exitOK {
		t.Fatalf("exit %d\n%s", r.code, r.err)
	}
	rows := table(t, w.read("out.csv"))
	for i, row := range rows {
		email := fmt.Sprintf("ada.lovelace%d@leads.example", i)
		if row["email"] != email || row["claygate_status"] != "ok" || row["claygate_error"] != "" || row["linkedin_url"] == "" {
			t.Errorf("row %d: %v", i, row)
		}
	}
	if len(rows) != 30 || w.clay.Stats().Rows != 30 {
		t.Errorf("%d rows out, %d at Clay, want 30", len(rows), w.clay.Stats().Rows)
	}
	for _, text := range []string{"30 rows: 30 enriched", "paid: 30 rows sent to Clay", "saved by cache: 0", "maybe sent twice: 0", "lost: none"} {
		if !strings.Contains(r.err, text) {
			t.Errorf("the summary lacks %q:\n%s", text, r.err)
		}
	}
}

// The failure it prevents: a second run of a file pays for it again.
func TestSecondRunSendsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, claytest.Options{})
	in := w.file("leads.csv", leads(12))
	w.enrich(in, "-o", w.path("1.csv"))
	before := w.clay.Stats().Requests
	r := w.enrich(in, "-o", w.path("2.csv"))
	if now := w.clay.Stats().Requests; now != before || r.code != exitOK {
		t.Errorf("exit %d, %d more requests", r.code, now-before)
	}
	if diff := cmp.Diff(w.read("1.csv"), w.read("2.csv")); diff != "" {
		t.Errorf("the second run wrote something else:\n%s", diff)
	}
	if !strings.Contains(r.err, "paid: 0 rows sent to Clay (12 in an earlier run)") {
		t.Errorf("it says:\n%s", r.err)
	}
}

func TestDuplicatesAreSentOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, claytest.Options{Misses: -1})
	in := w.file("leads.csv", "email,n\nJo.Doe@leads.example,1\nother@leads.example,2\n jo.doe@LEADS.example ,3\n,4\n,5\n")
	r := w.enrich(in, "-o", w.path("out.csv"))
	if diff := cmp.Diff([]string{"ok", "ok", "cached"}, w.statuses("out.csv")[:3]); diff != "" || r.code != exitOK {
		t.Errorf("exit %d, statuses (-want +got):\n%s", r.code, diff)
	}
	if n := w.clay.Stats().Rows; n != 4 {
		t.Errorf("%d rows at Clay, want 4: rows without an e-mail are not the same person", n)
	}
	rows := table(t, w.read("out.csv"))
	if rows[0]["linkedin_url"] == "" || rows[0]["linkedin_url"] != rows[2]["linkedin_url"] {
		t.Errorf("the duplicate has another result: %v", rows)
	}
}

// A result is reused by another file of the same people, unless --max-age forbids it.
func TestCacheAcrossFiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t, claytest.Options{Misses: -1})
	w.enrich(w.file("a.csv", leads(5)), "-o", w.path("a.out.csv"))
	r := w.enrich(w.file("b.csv", leads(6)), "-o", w.path("b.out.csv"))
	if n := w.clay.Stats().Rows; n != 6 || !strings.Contains(r.err, "saved by cache: 5") {
		t.Errorf("%d rows at Clay\n%s", n, r.err)
	}
	w.enrich(w.file("c.csv", leads(5)), "-o", w.path("c.out.csv"), "--max-age", "0")
	if n := w.clay.Stats().Rows; n != 11 {
		t.Errorf("%d rows at Clay, want 5 more with --max-age 0", n-6)
	}
}

func TestDedupeBy(t *testing.T) {
	t.Parallel()
	in := "first,last,email\nJo,Doe,a@leads.example\njo,DOE,b@leads.example\nJo,Roe,a@leads.example\n"
	for by, want := range map[string]int{"first,last": 2, "email": 2, "none": 3, "last": 2, "first, email": 2} {
		w := newWorld(t, claytest.Options{})
		w.enrich(w.file("in.csv", in), "-o", w.path("out.csv"), "--dedupe-by", by)
		if n := w.clay.Stats().Rows; n != want {
			t.Errorf("--dedupe-by %q sent %d rows, want %d", by, n, want)
		}
	}
}

func TestBadRowsAreSkipped(t *testing.T) {
	t.Parallel()
	w := newWorld(t, claytest.Options{Misses: -1})
	in := w.file("leads.csv", "email,notes\n"+
		"a@leads.example,fine\n"+
		"b@leads.example,one,too many\n"+
		"c@leads.example,\xff\n"+
		"d@leads.example,"+strings.Repeat("x", 101_000)+"\n"+
		"\"e@leads.example,never closed\n"+
		"f@leads.example,fine\n")
	r := w.enrich(in, "-o", w.path("out.csv"))
	if r.code != exitSomeFailed {
		t.Errorf("exit %d, want %d", r.code, exitSomeFailed)
	}
	for _, text := range []string{"line 3 skipped: ", "line 4 skipped: ", "line 5 skipped: ", "line 6 skipped: ", "4 skipped"} {
		if !strings.Contains(r.err, text) {
			t.Errorf("it does not say %q:\n%s", text, r.err)
		}
	}
	if diff := cmp.Diff([]string{"ok", "skipped", "skipped", "skipped", "skipped", "ok"}, w.statuses("out.csv")); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	for i, row := range table(t, w.read("out.csv")) {
		if (row["claygate_error"] != "") != (row["claygate_status"] == "skipped") {
			t.Errorf("row %d: %v", i, row)
		}
	}
	if n := w.clay.Stats().Rows; n != 2 {
		t.Errorf("%d rows at Clay, want 2", n)
	}
}

// Whatever form and encoding people's files have, Clay gets the same text.
func TestFormats(t *testing.T) {
	t.Parallel()
	utf16le := func(text string) string {
		b := []byte{0xff, 0xfe}
		for _, unit := range utf16.Encode([]rune(text)) {
			b = binary.LittleEndian.AppendUint16(b, unit)
		}
		return string(b)
	}
	tests := map[string]struct {
		name, content string
		flags         []string
	}{
		"CSV":          {"in.csv", "name,email\nÉlodie Müller,e@leads.example\n", nil},
		"CRLF and BOM": {"in.csv", "\ufeffname,email\r\nÉlodie Müller,e@leads.example\r\n", nil},
		"semicolons":   {"in.csv", "name;email\nÉlodie Müller;e@leads.example\n", nil},
		"TSV":          {"in.tsv", "name\temail\nÉlodie Müller\te@leads.example\n", nil},
		"UTF-16":       {"in.csv", utf16le("name,email\r\nÉlodie Müller,e@leads.example\r\n"), nil},
		"windows-1252": {"in.csv", "name,email\n\xc9lodie M\xfcller,e@leads.example\n", []string{"--encoding", "windows-1252"}},
		"JSONL":        {"in.jsonl", `{"name":"Élodie Müller","email":"e@leads.example"}` + "\n", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, claytest.Options{})
			r := w.enrich(append(tt.flags, w.file(tt.name, tt.content), "-o", w.path("out.csv"))...)
			if r.code != exitOK {
				t.Fatalf("exit %d\n%s", r.code, r.err)
			}
			var sent map[string]string
			if err := json.Unmarshal(w.clay.Rows()[0].Body, &sent); err != nil {
				t.Fatal(err)
			}
			delete(sent, "claygate_id")
			if diff := cmp.Diff(map[string]string{"name": "Élodie Müller", "email": "e@leads.example"}, sent); diff != "" {
				t.Errorf("Clay got (-want +got):\n%s", diff)
			}
			if !strings.Contains(w.read("out.csv"), "Élodie Müller") {
				t.Errorf("the output lost it:\n%s", w.read("out.csv"))
			}
		})
	}
}

func TestStdinToStdout(t *testing.T) {
	t.Parallel()
	w := newWorld(t, claytest.Options{Misses: -1})
	w.stdin = strings.NewReader(leads(3))
	r := w.enrich("-")
	if rows := table(t, r.out); r.code != exitOK || len(rows) != 3 || rows[2]["claygate_status"] != "ok" {
		t.Errorf("exit %d, out:\n%s\n%s", r.code, r.out, r.err)
	}
}

func TestJSONLinesInAndOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, claytest.Options{Misses: -1})
	in := w.file("in.jsonl", `{"email":"a@leads.example","n":{"deep":[1,2]}}`+"\n"+`{"email":"b@leads.example","extra":null}`+"\n")
	if r := w.enrich(in, "-o", w.path("out.jsonl")); r.code != exitOK {
		t.Fatalf("exit %d\n%s", r.code, r.err)
	}
	lines := strings.Split(strings.TrimSpace(w.read("out.jsonl")), "\n")
	var first map[string]any
	if err := json.Unmarshal([]byte(lines[0]), &first); err != nil || len(lines) != 2 {
		t.Fatalf("%d lines: %v", len(lines), err)
	}
	if diff := cmp.Diff(map[string]any{"deep": []any{1.0, 2.0}}, first["n"]); diff != "" || first["claygate_status"] != "ok" || first["title"] == nil {
		t.Errorf("the first row: %s", lines[0])
	}
	// To CSV: the columns of all rows, not only of the first.
	if r := w.enrich(in, "-o", w.path("out.csv")); r.code != exitOK {
		t.Fatalf("exit %d\n%s", r.code, r.err)
	}
	if head, _, _ := strings.Cut(w.read("out.csv"), "\n"); !strings.HasPrefix(head, "email,n,extra,") {
		t.Errorf("the columns are %s", head)
	}
}

// The failure it prevents: the first row of a JSONL file had no e-mail, so nobody was known by theirs.
func TestDedupeOfJSONLinesWhoseFirstRowLacksTheColumn(t *testing.T) {
	t.Parallel()
	for _, flags := range [][]string{nil, {"--dedupe-by", "email"}} {
		w := newWorld(t, claytest.Options{})
		in := w.file("in.jsonl", `{"name":"A"}`+"\n"+`{"email":"b@leads.example"}`+"\n"+`{"email":"B@leads.example"}`+"\n")
		if r := w.enrich(append(flags, in, "-o", w.path("out.jsonl"))...); r.code != exitOK || w.clay.Stats().Rows != 2 {
			t.Errorf("%v: exit %d, %d rows at Clay, want 2\n%s", flags, r.code, w.clay.Stats().Rows, r.err)
		}
	}
}

func TestOneRowFromArguments(t *testing.T) {
	t.Parallel()
	w := newWorld(t, claytest.Options{Misses: -1})
	r := w.enrich("email=ada@leads.example", "note=a=b")
	var row map[string]any
	if err := json.Unmarshal([]byte(r.out), &row); err != nil || r.code != exitOK {
		t.Fatalf("exit %d: %v\n%s%s", r.code, err, r.out, r.err)
	}
	if row["email"] != "ada@leads.example" || row["note"] != "a=b" || row["claygate_status"] != "ok" {
		t.Errorf("%v", row)
	}
	w.enrich("email=bob@leads.example")
	again := w.enrich("email=ada@leads.example", "note=a=b")
	if n := w.clay.Stats().Rows; n != 2 || again.out != r.out {
		t.Errorf("%d rows at Clay after the same row again, which said:\n%s", n, again.out)
	}
}

func TestLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, claytest.Options{})
	in := w.file("leads.csv", leads(10))
	w.enrich(in, "-o", w.path("3.csv"), "--limit", "3")
	if rows := w.statuses("3.csv"); len(rows) != 3 || w.clay.Stats().Rows != 3 {
		t.Errorf("%d rows out, %d at Clay, want 3", len(rows), w.clay.Stats().Rows)
	}
	w.enrich(in, "-o", w.path("all.csv"))
	if rows := w.statuses("all.csv"); len(rows) != 10 || w.clay.Stats().Rows != 10 {
		t.Errorf("%d rows out, %d at Clay, want 10", len(rows), w.clay.Stats().Rows)
	}
}

// The failure it prevents: with --limit 2, everything that an interrupted run had queued was sent, and paid for.
func TestLimitOnAQueueOfAnEarlierRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t, claytest.Options{})
	in := w.file("leads.csv", leads(10))
	w.queueAll(in)
	r := w.enrich(in, "-o", w.path("2.csv"), "--limit", "2")
	if n := w.clay.Stats().Rows; n != 2 || r.code != exitOK {
		t.Errorf("exit %d, %d rows at Clay, want 2\n%s", r.code, n, r.err)
	}
	w.enrich(in, "-o", w.path("all.csv"))
	if n := w.clay.Stats().Rows; n != 10 {
		t.Errorf("%d rows at Clay, want the rest as well", n)
	}
}

// queueAll runs a file against a wrong token: every row is in the queue then, and none was taken.
func (w *world) queueAll(in string, flags ...string) {
	w.t.Helper()
	w.env["CLAY_WEBHOOK_TOKEN"] = "wr0ng"
	r := w.enrich(append(flags, in, "-o", w.path("queued.csv"))...)
	w.env["CLAY_WEBHOOK_TOKEN"] = tokenCanary
	if r.code != exitAuth || w.clay.Stats().Rows != 0 {
		w.t.Fatalf("exit %d, %d rows at Clay\n%s", r.code, w.clay.Stats().Rows, r.err)
	}
}

// A row that is taken out of the file must not be sent by the next run, and one that is put back must.
func TestRemovedRowsAreNotSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, claytest.Options{})
	all := leads(6)
	in := w.file("leads.csv", all)
	w.queueAll(in)
	w.file("leads.csv", leads(4))
	if r := w.enrich(in, "-o", w.path("out.csv")); r.code != exitOK || w.clay.Stats().Rows != 4 {
		t.Errorf("exit %d, %d rows at Clay, want 4\n%s", r.code, w.clay.Stats().Rows, r.err)
	}
	w.file("leads.csv", all)
	if r := w.enrich(in, "-o", w.path("out.csv")); r.code != exitOK || w.clay.Stats().Rows != 6 {
		t.Errorf("exit %d, %d rows at Clay, want 6\n%s", r.code, w.clay.Stats().Rows, r.err)
	}
}

func TestOtherLoadsAreNotSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, claytest.Options{})
	w.queueAll(w.file("a.csv", leads(5)), "--dedupe-by", "none")
	in := w.file("b.csv", "email\nb@leads.example\n")
	if r := w.enrich(in, "-o", w.path("out.csv")); r.code != exitOK || w.clay.Stats().Rows != 1 {
		t.Errorf("exit %d, %d rows at Clay, want the one of this file\n%s", r.code, w.clay.Stats().Rows, r.err)
	}
}

// The failure it prevents: a row at Clay that the file no longer has was waited for until its result timed out.
func TestRowsAtClayThatTheInputLacksAreNotAwaited(t *testing.T) {
	t.Parallel()
	w := newWorld(t, claytest.Options{Faults: []claytest.Fault{{Kind: claytest.CallbackMissing, To: 1}}})
	in := w.file("leads.csv", leads(3))
	c := w.start(w.enrichArgs(in, "-o", w.path("out.csv"))...)
	if err := w.clay.WaitCallbacks(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	c.interrupt <- nil
	c.until("stopped sending")
	c.interrupt <- nil
	c.wait()
	lacks := string(w.clay.Rows()[0].Body) // some row of the three, whichever came first
	var kept []string
	for _, line := range strings.Split(strings.TrimSpace(leads(3)), "\n") {
		if _, email, _ := strings.Cut(line, ","); email == "email" || !strings.Contains(lacks, email) {
			kept = append(kept, line)
		}
	}
	w.file("leads.csv", strings.Join(kept, "\n")+"\n")
	r := w.enrich(in, "-o", w.path("out.csv"))
	if diff := cmp.Diff([]string{"ok", "ok"}, w.statuses("out.csv")); r.code != exitOK || diff != "" {
		t.Errorf("exit %d %s\n%s", r.code, diff, r.err)
	}
	if !strings.Contains(r.err, "2/2 · sent 2 · done 2") {
		t.Errorf("the figures count rows that the file does not have:\n%s", r.err)
	}
}

func TestFresh(t *testing.T) {
	t.Parallel()
	w := newWorld(t, claytest.Options{})
	in := w.file("leads.csv", leads(4))
	w.enrich(in, "-o", w.path("out.csv"))
	if r := w.enrich(in, "-o", w.path("out.csv"), "--fresh"); r.code != exitOK || w.clay.Stats().Rows != 8 {
		t.Errorf("exit %d, %d rows at Clay, want 8", r.code, w.clay.Stats().Rows)
	}
	w.enrich(in, "-o", w.path("out.csv"))
	if n := w.clay.Stats().Rows; n != 8 {
		t.Errorf("%d rows at Clay: the run after --fresh did not know its rows", n)
	}
}

// Each word of --retry sends its own rows again, and no others.
func TestRetry(t *testing.T) {
	t.Parallel()
	emails := []string{"ok@leads.example", "failed@leads.example", "expired@leads.example", "uncertain@leads.example"}
	about := func(who string) func(claytest.Event) bool {
		return func(e claytest.Event) bool { return strings.Contains(string(e.Body), who+"@") }
	}
	for what, want := range map[string][]string{
		"failed": {"failed"}, "expired": {"expired"}, "uncertain": {"uncertain"}, "failed,expired,uncertain": {"expired", "failed", "uncertain"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, claytest.Options{Misses: -1, Faults: []claytest.Fault{
				{Kind: claytest.Answer, Status: []int{400}, When: about("failed")},
				{Kind: claytest.CallbackMissing, When: about("expired")},
				{Kind: claytest.DropBefore, When: about("uncertain")},
			}})
			in := w.file("leads.csv", "email\n"+strings.Join(emails, "\n")+"\n")
			flags := []string{in, "-o", w.path("out.csv"), "--result-timeout", "300ms"}
			r := w.enrich(flags...)
			if diff := cmp.Diff([]string{"ok", "failed", "timed_out", "maybe_sent"}, w.statuses("out.csv")); diff != "" || r.code != exitSomeFailed {
				t.Fatalf("exit %d, statuses (-want +got):\n%s\n%s", r.code, diff, r.err)
			}
			before := w.clay.Stats().Requests
			if r := w.enrich(flags...); w.clay.Stats().Requests != before || r.code != exitSomeFailed {
				t.Errorf("without --retry the next run made %d requests", w.clay.Stats().Requests-before)
			}
			if err := w.clay.SetFaults(); err != nil {
				t.Fatal(err)
			}
			w.enrich(append(flags, "--retry", what)...)
			var sent []string
			for _, request := range w.clay.Requests()[before:] {
				var row struct{ Email string }
				if err := json.Unmarshal([]byte(request.Body), &row); err != nil {
					t.Fatal(err)
				}
				who, _, _ := strings.Cut(row.Email, "@")
				sent = append(sent, who)
			}
			slices.Sort(sent)
			if diff := cmp.Diff(want, sent); diff != "" {
				t.Errorf("sent again (-want +got):\n%s", diff)
			}
		})
	}
}

func TestJob(t *testing.T) {
	t.Parallel()
	w := newWorld(t, claytest.Options{})
	a, b := w.file("a.csv", leads(3)), w.file("b.csv", leads(3))
	for _, step := range []struct {
		in, job string
		rows    int
	}{
		{a, "monday", 3}, {b, "monday", 3}, {a, "tuesday", 6}, {b, "tuesday", 6}, {a, "", 9}, {b, "", 12},
	} {
		w.enrich(step.in, "-o", w.path("out.csv"), "--dedupe-by", "none", "--job", step.job)
		if n := w.clay.Stats().Rows; n != step.rows {
			t.Errorf("after %s as %q: %d rows at Clay, want %d", step.in, step.job, n, step.rows)
		}
	}
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t, claytest.Options{Misses: -1})
	w.enrich(w.file("old.csv", leads(2)), "-o", w.path("old.out.csv"))
	before := w.clay.Stats().Requests
	in := w.file("new.csv", leads(5)+"Lead 4,ADA.lovelace4@leads.example\nbad,row,here\n")
	delete(w.env, "CLAYGATE_PUBLIC_URL") // nothing is sent, so no result needs to come back
	r := w.enrich(in, "-o", w.path("out.csv"), "--dry-run")
	if want := "7 rows: 3 would be sent, 3 answered from cache or by another row, 0 known from an earlier run, 1 skipped"; r.code != exitOK || !strings.Contains(r.err, want) {
		t.Errorf("exit %d, want %q:\n%s", r.code, want, r.err)
	}
	w.env["CLAYGATE_PUBLIC_URL"] = "https://hooks.example.com"
	if w.clay.Stats().Requests != before {
		t.Error("a dry run sent something")
	}
	old := w.path("old.csv")
	for _, tt := range []struct{ flag, want string }{
		{"--limit=2", "2 rows: 0 would be sent, 0 answered from cache or by another row, 2 known from an earlier run"},
		{"--fresh", "2 rows: 2 would be sent, 0 answered from cache"},
	} {
		if r := w.enrich(old, "-o", w.path("out.csv"), "--dry-run", tt.flag); !strings.Contains(r.err, tt.want) {
			t.Errorf("%s: want %q:\n%s", tt.flag, tt.want, r.err)
		}
	}
	// It has left nothing behind: the rows are still new, and the fresh run has not begun.
	if r := w.enrich(in, "-o", w.path("out.csv")); r.code != exitSomeFailed || w.clay.Stats().Requests != before+3 {
		t.Errorf("exit %d, %d requests, want 3\n%s", r.code, w.clay.Stats().Requests-before, r.err)
	}
	if r := w.enrich(old, "-o", w.path("out.csv")); w.clay.Stats().Requests != before+3 {
		t.Errorf("the old rows were sent again\n%s", r.err)
	}
}

// The failure it prevents: a dry run of --retry said that nothing would be sent.
func TestDryRunOfRetry(t *testing.T) {
	t.Parallel()
	w := newWorld(t, claytest.Options{Faults: []claytest.Fault{{Kind: claytest.Answer, Status: []int{400}}}})
	in := w.file("leads.csv", leads(2))
	w.enrich(in, "-o", w.path("out.csv"))
	if r := w.enrich(in, "--dry-run", "--retry", "failed"); !strings.Contains(r.err, "2 rows: 2 would be sent") {
		t.Error(r.err)
	}
}

func TestJSONEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t, claytest.Options{Misses: -1})
	r := w.enrich(w.file("leads.csv", leads(3)+"bad,row,here\n"), "-o", w.path("out.csv"), "--json")
	events := map[string]map[string]any{}
	for line := range strings.Lines(r.err) {
		var e map[string]any
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("not JSON: %s", line)
		}
		if !strings.HasPrefix(line, `{"event":"`) {
			t.Errorf("the event's name does not come first: %s", line)
		}
		events[e["event"].(string)] = e
	}
	for _, name := range []string{"choices", "row_skipped", "progress", "summary", "error"} {
		if events[name] == nil {
			t.Errorf("there is no event %q:\n%s", name, r.err)
		}
	}
	s := events["summary"]
	if s["rows"] != 4.0 || s["sent"] != 3.0 || s["lost"] != 0.0 || events["row_skipped"]["line"] != 5.0 || events["error"]["exit"] != 7.0 {
		t.Errorf("%s", r.err)
	}
}

func TestSend(t *testing.T) {
	t.Parallel()
	w := newWorld(t, claytest.Options{})
	in := w.file("leads.csv", leads(5)+"Again,ada.lovelace0@leads.example\n")
	delete(w.env, "CLAYGATE_PUBLIC_URL")
	r := w.run("send", in, "--pace", "1000")
	if r.code != exitOK || r.out != "" || w.clay.Stats().Rows != 6 {
		t.Fatalf("exit %d, %d rows at Clay\n%s%s", r.code, w.clay.Stats().Rows, r.out, r.err)
	}
	if !strings.Contains(r.err, "6 rows: 6 in Clay") || strings.Contains(r.err, "enriched") {
		t.Errorf("it says:\n%s", r.err)
	}
	for _, row := range w.clay.Rows() {
		if strings.Contains(string(row.Body), "claygate_id") {
			t.Fatalf("a row whose result nobody awaits has a ticket: %s", row.Body)
		}
	}
	if r := w.run("send", in, "--pace", "1000"); r.code != exitOK || w.clay.Stats().Rows != 6 {
		t.Errorf("sent again: exit %d, %d rows at Clay", r.code, w.clay.Stats().Rows)
	}
}
