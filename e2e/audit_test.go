package e2e_test

import (
	"database/sql"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3/driver"

	"github.com/claygate/claygate/clay/claytest"
)

// books are what the ledger's file says, read by other means than claygate's own.
type books struct {
	records   map[string]entry
	states    map[string]int  // records by state
	doubles   map[string]int  // by record: attempts after one that may have left a row
	flagged   map[string]int  // by record: attempts after which a send could make a second row
	attempts  map[string]bool // by "record.attempt": what claygate says it sent, or was about to send when it was killed
	orphans   int             // attempts that a kill cut off
	callbacks map[string]int  // by body
}

// entry is a record as the ledger has it.
type entry struct {
	state              string
	revision, attempts int
	fields             string
	erased             bool
}

// read reads the books from a copy: what a kill left in the write-ahead log is for claygate to recover, and not for the
// audit. No claygate may run.
func read(t *testing.T, path string) books {
	t.Helper()
	dir, err := os.MkdirTemp(buildDir, "copy-*")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	copied := filepath.Join(dir, "copy.db")
	for _, suffix := range []string{"", "-wal"} {
		text, err := os.ReadFile(path + suffix)
		if os.IsNotExist(err) {
			continue // it was stopped in good order, or killed before there was anything
		}
		if err == nil {
			err = os.WriteFile(copied+suffix, text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	db, err := driver.Open("file:" + filepath.ToSlash(copied))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	return readBooks(t, db, `SELECT 1 FROM sqlite_schema WHERE name = 'records'`, func(id string) string { return "hex(" + id + ")" })
}

// readBooks reads the books by SQL. Begun finds something once there are tables, and hex writes an ID as sixteen bytes in
// upper-case hexadecimal digits.
func readBooks(t *testing.T, db *sql.DB, begun string, hex func(string) string) books {
	t.Helper()
	b := books{
		records: map[string]entry{},
		states:  map[string]int{}, doubles: map[string]int{}, flagged: map[string]int{}, attempts: map[string]bool{}, callbacks: map[string]int{},
	}
	there := false
	each(t, db, begun, func(func(...any)) { there = true })
	if !there {
		return b // killed before its first commit
	}
	each(t, db, `SELECT `+hex("id")+`, state, may_duplicate, revision, attempts, b.fields, erased FROM records LEFT JOIN bodies b ON b.record = id`, func(scan func(...any)) {
		var record string
		var e entry
		var fields []byte
		var doubles int
		scan(&record, &e.state, &doubles, &e.revision, &e.attempts, &fields, &e.erased)
		e.fields = string(fields)
		b.states[e.state]++
		b.doubles[record] = doubles
		b.records[record] = e
	})
	each(t, db, `SELECT `+hex("record")+`, n, outcome, status, excerpt, may_duplicate FROM attempts`, func(scan func(...any)) {
		var record, outcome, excerpt string
		var n, status int
		var flagged bool
		scan(&record, &n, &outcome, &status, &excerpt, &flagged)
		if flagged {
			b.flagged[record]++
		}
		if outcome == "released" {
			return
		}
		b.attempts[fmt.Sprintf("%s.%d", record, n)] = true
		silent := outcome == "unknown" && status == 0
		if outcome == "" || silent && (b.records[record].erased || strings.Contains(excerpt, "the process that was sending it ended")) {
			b.orphans++ // erasure takes the excerpt that says so
		}
	})
	each(t, db, `SELECT body FROM callbacks`, func(scan func(...any)) {
		var body []byte
		scan(&body)
		b.callbacks[string(body)]++
	})
	return b
}

// each visits the rows of a query.
func each(t *testing.T, db *sql.DB, query string, visit func(scan func(...any))) {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		visit(func(dest ...any) {
			if err := rows.Scan(dest...); err != nil {
				t.Fatal(err)
			}
		})
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

// ticket is what a row carries: which record it is, and which of its attempts made the row.
type ticket struct{ record, attempt string }

func (k ticket) String() string { return k.record + "." + k.attempt }

// ticketOf reads the ticket of a submission. The record's ID is turned into the form in which the file has it.
func ticketOf(t *testing.T, body []byte) ticket {
	t.Helper()
	var row struct {
		ID string `json:"claygate_id"`
	}
	if err := json.Unmarshal(body, &row); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	parts := strings.Split(row.ID, ".")
	if len(parts) != 3 {
		t.Fatalf("no ticket in %s", body)
	}
	return ticket{recordOf(t, parts[0]), parts[1]}
}

// recordOf turns a record's printed ID into the form in which the file has it.
func recordOf(t *testing.T, id string) string {
	t.Helper()
	digits, _ := strings.CutPrefix(id, "rec_")
	raw, err := base32.HexEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(digits))
	if err != nil {
		t.Fatalf("%q is no record ID: %v", id, err)
	}
	return fmt.Sprintf("%X", raw)
}

// figures are what an audit found, for the log.
type figures struct {
	acknowledged, records, requests, rows, doubled, callbacks, attempts, orphans int
	forwarded                                                                    int     // webhooks that the user's endpoint took
	tightest                                                                     float64 // how much of Clay's limit the fullest window used
}

func (f figures) String() string {
	acknowledged := ""
	if f.acknowledged > 0 {
		acknowledged = fmt.Sprintf("%d acknowledged, ", f.acknowledged)
	}
	if f.forwarded > 0 {
		acknowledged += fmt.Sprintf("%d webhooks told, ", f.forwarded)
	}
	return acknowledged + fmt.Sprintf("%d records · %d requests · %d rows at Clay, %d of them second ones · %d callbacks answered 200 · %d attempts, %d cut off · fullest window %.0f %% of the limit",
		f.records, f.requests, f.rows, f.doubled, f.callbacks, f.attempts, f.orphans, 100*f.tightest)
}

// audit compares the ledger with what the emulator saw: the invariants that must hold whatever happened. Want is how
// many records were taken in.
func (b *table) audit(want int) figures {
	b.t.Helper()
	books := b.books()
	f, problems := b.inspect(books)
	if f.records != want {
		problems = append(problems, fmt.Sprintf("I1: %d records, want the %d that were accepted", f.records, want))
	}
	for _, problem := range problems {
		b.t.Error(problem)
	}
	return f
}

// inspect returns what is wrong between the books and what the emulator saw, and the figures.
func (b *table) inspect(books books) (f figures, problems []string) {
	b.t.Helper()
	t, stats := b.t, b.clay.Stats()
	f = figures{requests: stats.Requests, attempts: len(books.attempts), orphans: books.orphans, rows: stats.Rows}
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }

	// I1: every record is somewhere.
	for state, n := range books.states {
		f.records += n
		if _, known := reachable[state]; !known {
			wrong("I1: %d records are %q", n, state)
		}
	}

	// I2: rows at Clay ≤ 1 + what is flagged as a possible duplicate.
	perRecord := map[string]int{}
	for _, row := range b.clay.Rows() {
		perRecord[ticketOf(t, row.Body).record]++
	}
	for record, n := range perRecord {
		f.doubled += n - 1
		if n > 1+books.doubles[record] || n > 1+books.flagged[record] {
			wrong("I2: record %s has %d rows at Clay, with %d attempts that may have doubled it and %d flags", record, n, books.doubles[record], books.flagged[record])
		}
	}

	// I3: what was acknowledged to Clay is on disk.
	acknowledged := map[string]int{}
	for _, c := range b.clay.Callbacks() {
		if c.Status == 200 {
			acknowledged[c.Body]++
			f.callbacks++
		}
	}
	for body, n := range acknowledged {
		if books.callbacks[body] < n && !books.records[ticketOf(t, []byte(body)).record].erased {
			wrong("I3: %d callbacks were acknowledged and %d are kept of %s", n, books.callbacks[body], body)
		}
	}

	// I4: the pace holds, over kills and restarts.
	f.tightest, problems = b.pacing(problems)

	// I5: what Clay saw is what the ledger says it sent. Each request is an attempt that was on disk before, and none
	// was used twice; what the ledger has beyond them was cut off by a kill.
	seen := map[string]bool{}
	for _, request := range b.clay.Requests() {
		if request.Status == 0 && !json.Valid([]byte(request.Body)) {
			continue // reset by a fault while its body was read: it counts, but nobody can say whose it was
		}
		k := ticketOf(t, []byte(request.Body)).String()
		if seen[k] {
			wrong("I5: attempt %s was sent twice", k)
		}
		if seen[k] = true; !books.attempts[k] {
			wrong("I5: attempt %s was sent, and the ledger does not know it", k)
		}
	}
	if f.requests > f.attempts || f.requests < f.attempts-f.orphans {
		wrong("I5: %d requests, %d attempts in the ledger, of which %d were cut off", f.requests, f.attempts, f.orphans)
	}
	return f, problems
}

// pacing checks every window of requests against Clay's limit: burst + rate · its length. It returns the share of the
// limit that the fullest window used.
func (b *table) pacing(problems []string) (tightest float64, _ []string) {
	b.t.Helper()
	rate, burst := float64(b.pace), 2*float64(b.pace)
	if b.pace == 0 {
		rate, burst = claytest.DefaultPerSecond, claytest.DefaultBurst
	}
	return fullest(b.clay.Requests(), rate, burst, problems)
}

// fullest returns the share of a limit that the fullest window of requests used, and what is wrong with it.
func fullest(requests []claytest.Request, rate, burst float64, problems []string) (tightest float64, _ []string) {
	for i := range requests {
		for j := i; j < len(requests); j++ {
			window := requests[j].At.Sub(requests[i].At)
			n, limit := float64(j-i+1), burst+rate*max(window, 0).Seconds()
			tightest = max(tightest, n/limit)
			if n > limit {
				return tightest, append(problems, fmt.Sprintf("I4: %.0f requests within %s, more than %.1f", n, window.Round(time.Millisecond), limit))
			}
		}
	}
	return tightest, problems
}

// reachable says which states a record can come to from each, over any number of transitions, when nobody replays it.
var reachable = map[string]string{
	"queued":    "queued sending sent uncertain done dead expired canceled",
	"sending":   "queued sending sent uncertain done dead expired canceled",
	"uncertain": "queued sending sent uncertain done dead expired canceled",
	"sent":      "sent done expired",
	"joined":    "joined done dead expired canceled",
	"done":      "done",
	"dead":      "dead done",
	"expired":   "expired done",
	"canceled":  "canceled done",
}

// moved returns what is wrong between two looks at the ledger: a transition that is not in the table (I7), a record that
// is gone, an attempt or a revision that is forgotten.
func moved(before, after books) (problems []string) { return movedBy(reachable, before, after) }

// movedBy is moved with another table.
func movedBy(reachable map[string]string, before, after books) (problems []string) {
	for id, was := range before.records {
		is, found := after.records[id]
		switch {
		case !found:
			problems = append(problems, fmt.Sprintf("I1: record %s was %s and is gone", id, was.state))
		case !slices.Contains(strings.Fields(reachable[was.state]), is.state):
			problems = append(problems, fmt.Sprintf("I7: record %s was %s and is %s", id, was.state, is.state))
		case is.revision < was.revision || is.attempts < was.attempts:
			problems = append(problems, fmt.Sprintf("I7: record %s had revision %d and %d attempts, and has %d and %d", id, was.revision, was.attempts, is.revision, is.attempts))
		}
	}
	return problems
}
