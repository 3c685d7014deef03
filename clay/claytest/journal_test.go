package claytest_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/clay/claytest"
)

// summary is what a restart must not change, one line per row.
func summary(s *claytest.Server) []string {
	var list []string
	for _, row := range s.Rows() {
		list = append(list, fmt.Sprint(row.Number, " ", row.Webhook, " ", string(row.Body), " ", row.Cell.State))
	}
	return list
}

// A server started again on its journal has its rows, their bodies to the byte,
// what each webhook has used up, and calls back for the rows it had not called
// back for, and only those.
func TestJournalRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver(t, nil)
		opt := claytest.Options{
			InMemory: true, Transport: r.transport, Journal: filepath.Join(t.TempDir(), "journal"), Cap: 3,
			Column: claytest.Column{
				URL: "http://me/", Fields: []string{}, Delay: claytest.Delay{Min: time.Second, Max: time.Second},
				OnlyIf: func(input, _ map[string]any) bool { return input["skip"] == nil },
			},
		}
		s := claytest.New(t, opt)
		mustPost(t, s, "people", `{"claygate_id":1}`)
		mustPost(t, s, "people", `{"skip":true}`)
		idle(t, s)
		mustPost(t, s, "companies", "{\"claygate_id\":3,\n\t\"x\": \"<é\xff>\" }")
		mustPost(t, s, "people", `{"claygate_id":4}`)
		s.Close()
		if diff := cmp.Diff([]string{`{"claygate_id":1}`}, r.got()); diff != "" {
			t.Fatalf("before (-want +got):\n%s", diff)
		}

		s = claytest.New(t, opt)
		want := []string{
			`1 people {"claygate_id":1} done`,
			`2 people {"skip":true} skipped`,
			"3 companies {\"claygate_id\":3,\n\t\"x\": \"<é\xff>\" } waiting",
			`4 people {"claygate_id":4} waiting`,
		}
		if diff := cmp.Diff(want, summary(s)); diff != "" {
			t.Errorf("rows (-want +got):\n%s", diff)
		}
		if status, _ := post(t, s, "people", `{}`); status != http.StatusForbidden {
			t.Errorf("status %d: the submissions used up are forgotten", status)
		}
		mustPost(t, s, "companies", `{"claygate_id":5}`)
		idle(t, s)
		sent := slices.Sorted(slices.Values(r.got())) // those due together go out together
		if diff := cmp.Diff([]string{`{"claygate_id":1}`, `{"claygate_id":3}`, `{"claygate_id":4}`, `{"claygate_id":5}`}, sent); diff != "" {
			t.Errorf("callbacks (-want +got):\n%s", diff)
		}
		s.Close()

		s = claytest.New(t, opt)
		idle(t, s)
		if n := len(r.got()); n != 4 {
			t.Errorf("%d callbacks, something was sent again", n)
		}
	})
}

// Rows restored without a column are owed until there is one.
func TestJournalColumnLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver(t, nil)
		opt := claytest.Options{InMemory: true, Keep: 2, Transport: r.transport, Journal: filepath.Join(t.TempDir(), "journal")}
		s := claytest.New(t, opt)
		if err := s.SetColumn(claytest.Column{URL: "http://me/"}); err != nil {
			t.Fatal(err)
		}
		for range 5 {
			mustPost(t, s, "people", `{}`)
		}
		s.Close()
		s = claytest.New(t, opt)
		idle(t, s)
		if n := len(r.got()); n != 0 {
			t.Errorf("%d callbacks without a column", n)
		}
		if err := s.SetColumn(claytest.Column{URL: "http://me/"}); err != nil {
			t.Fatal(err)
		}
		idle(t, s)
		if n := len(r.got()); n != 5 {
			t.Errorf("%d callbacks of 5, of which 2 are kept for show", n)
		}
	})
}

// However a killed process tore the file, the whole lines are brought back and
// the journal goes on behind them.
func TestJournalTorn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	opt := claytest.Options{InMemory: true, Journal: path}
	s := claytest.New(t, opt)
	for n := range 3 {
		mustPost(t, s, "people", fmt.Sprintf(`{"n":%d}`, n))
	}
	s.Close()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range len(whole) + 1 {
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := claytest.Start(opt)
		if err != nil {
			t.Fatalf("cut after %d bytes: %v", cut, err)
		}
		rows := bytes.Count(whole[:cut], []byte("\n"))
		if n := len(s.Rows()); n != rows {
			t.Errorf("cut after %d bytes: %d rows, want %d", cut, n, rows)
		}
		mustPost(t, s, "people", `{"n":9}`)
		s.Close()
		if s, err = claytest.Start(opt); err != nil {
			t.Fatalf("cut after %d bytes, then gone on: %v", cut, err)
		}
		if n := s.Stats().Rows; n != rows+1 {
			t.Errorf("cut after %d bytes, then gone on: %d rows, want %d", cut, n, rows+1)
		}
		s.Close()
	}
}

// Damage before the end is no torn line: it is told, with its place.
func TestJournalDamaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	text := `{"op":"row","t":1,"row":1,"webhook":"w","body":{}}` + "\nrubbish\n" + `{"op":"cell","t":1,"row":1,"state":"done"}` + "\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := claytest.Start(claytest.Options{InMemory: true, Journal: path})
	if err == nil || !strings.Contains(err.Error(), "line 2 is damaged") {
		t.Errorf("error %v", err)
	}
}

// The journal shrinks to what is still owed, and loses no count by it.
func TestJournalCompacts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver(t, nil)
		path := filepath.Join(t.TempDir(), "journal")
		opt := claytest.Options{
			InMemory: true, PerSecond: -1, Cap: 41, Transport: r.transport, Journal: path, JournalMax: 2000,
			Column: claytest.Column{URL: "http://me/", Delay: atOnce, Fields: []string{}, OnlyIf: func(input, _ map[string]any) bool { return input["hold"] == nil }},
			Faults: []claytest.Fault{{Kind: claytest.CallbackLate, From: 3, To: 3, Latency: time.Hour}},
		}
		s := claytest.New(t, opt)
		for n := range 40 {
			mustPost(t, s, "people", fmt.Sprintf(`{"claygate_id":%d,"pad":%q}`, n+1, strings.Repeat("x", 100)))
			if err := s.WaitCallbacks(t.Context(), min(n+1, max(n, 2))); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		s.Close()
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Size() > 2500 || info.Mode().Perm() != 0o600 {
			t.Errorf("the journal has %d bytes, mode %v", info.Size(), info.Mode())
		}
		opt.Faults = nil
		s = claytest.New(t, opt)
		idle(t, s)
		if got := r.got(); len(got) != 40 || got[39] != `{"claygate_id":3}` {
			t.Errorf("%d callbacks, the last %v", len(got), got[len(got)-1])
		}
		if st := s.Stats(); st.Rows != 40 || st.Accepted["people"] != 40 {
			t.Errorf("stats %+v", st)
		}
		mustPost(t, s, "people", `{}`)
		rows := s.Rows()
		if last := rows[len(rows)-1]; last.Number != 41 {
			t.Errorf("the next row is number %d", last.Number)
		}
		if status, _ := post(t, s, "people", `{}`); status != http.StatusForbidden {
			t.Errorf("status %d at the cap", status)
		}
	})
}

// With JournalAll the file says of every request when it came and what was
// answered, also to those that made no row or heard nothing.
func TestJournalAll(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	opt := claytest.Options{
		InMemory: true, Journal: path, JournalAll: true, JournalSync: true, JournalMax: 1,
		Faults: []claytest.Fault{{Kind: claytest.DropAfter, From: 3, To: 3}, {Kind: claytest.DropBefore, From: 4, To: 4}},
	}
	s := claytest.New(t, opt)
	mustPost(t, s, "people", `{}`)
	post(t, s, "people", `{`)
	for range 2 {
		if _, err := s.Client().Post(s.WebhookURL("people"), "application/json", strings.NewReader(`{}`)); err == nil {
			t.Error("an answer came")
		}
	}
	s.Close()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var got []string
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var e struct {
			Op      string
			T       int64
			Request int
			Row     int
			Status  *int
			Body    json.RawMessage
		}
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		status := "-"
		if e.Status != nil {
			status = fmt.Sprint(*e.Status)
		}
		if time.Since(time.Unix(0, e.T)).Abs() > time.Minute {
			t.Errorf("%s is not a time of now in nanoseconds", lines.Bytes())
		}
		got = append(got, fmt.Sprint(e.Op, " ", e.Request, " ", status, " ", e.Row, " ", string(e.Body)))
	}
	want := []string{"row 0 - 1 {}", "request 1 200 1 ", "request 2 400 0 ", "row 0 - 2 {}", "request 3 0 2 ", "request 4 0 0 "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	s = claytest.New(t, opt)
	if st := s.Stats(); st.Rows != 2 {
		t.Errorf("restarted with %+v", st)
	}
}

// A reset empties the journal as well.
func TestJournalReset(t *testing.T) {
	opt := claytest.Options{InMemory: true, Journal: filepath.Join(t.TempDir(), "journal")}
	s := claytest.New(t, opt)
	mustPost(t, s, "people", `{"n":1}`)
	if err := s.Reset(); err != nil {
		t.Fatal(err)
	}
	mustPost(t, s, "people", `{"n":2}`)
	s.Close()
	s = claytest.New(t, opt)
	if diff := cmp.Diff([]string{`1 people {"n":2} `}, summary(s)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
