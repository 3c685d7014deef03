package cli

import (
	"database/sql"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/ncruces/go-sqlite3/driver"

	"github.com/claygate/claygate/clay/claytest"
)

// mistake is something people, or their surroundings, do wrong.
type mistake struct {
	name string
	clay claytest.Options
	// args makes the command line; what the world has to be like is prepared here, too.
	args func(w *world) []string
}

// enriching is a command line that enriches a good file, with more flags.
func enriching(flags ...string) func(*world) []string {
	return func(w *world) []string {
		return w.enrichArgs(append([]string{w.file("leads.csv", leads(3)), "-o", w.path("out.csv")}, flags...)...)
	}
}

// with is enriching after a change of the environment.
func with(name, value string, flags ...string) func(*world) []string {
	return func(w *world) []string {
		w.env[name] = value
		return enriching(flags...)(w)
	}
}

// of is a command line that enriches a file with that content.
func of(name, content string, flags ...string) func(*world) []string {
	return func(w *world) []string {
		return w.enrichArgs(append([]string{w.file(name, content), "-o", w.path("out.csv")}, flags...)...)
	}
}

func args(args ...string) func(*world) []string {
	return func(*world) []string { return args }
}

// answer is Clay answering everything with one status.
func answer(status int, retryAfter ...string) claytest.Options {
	return claytest.Options{Faults: []claytest.Fault{{Kind: claytest.Answer, Status: []int{status}, RetryAfter: append([]string{}, retryAfter...)}}}
}

var mistakes = []mistake{
	{name: "no command that exists", args: args("enrihc", "leads.csv")},
	{name: "nothing like a command", args: args("frobnicate")},
	{name: "a flag that does not exist", args: args("enrich", "leads.csv", "--colour")},
	{name: "a short flag that does not exist", args: args("enrich", "leads.csv", "-x")},
	{name: "a flag without its value", args: args("enrich", "leads.csv", "--limit")},
	{name: "a limit in words", args: args("enrich", "leads.csv", "--limit", "ten")},
	{name: "a limit beyond all bounds", args: args("enrich", "leads.csv", "--limit", "99999999999999999999")},
	{name: "a negative limit", args: args("enrich", "leads.csv", "--limit", "-1")},
	{name: "an age in words", args: args("enrich", "leads.csv", "--max-age", "a month")},
	{name: "a negative age", args: args("enrich", "leads.csv", "--max-age", "-3d")},
	{name: "something to retry that is not a status", args: args("enrich", "leads.csv", "--retry", "failed,everything")},
	{name: "fresh and retry", args: args("enrich", "leads.csv", "--fresh", "--retry", "failed")},
	{name: "a pace of nothing", args: args("enrich", "leads.csv", "--pace", "-1")},
	{name: "a target that is a path", args: args("enrich", "leads.csv", "-t", "a/b/c")},
	{name: "a workspace without a gateway", args: enriching("-t", "a/b")},
	{name: "arguments where none belong", args: args("version", "2")},

	{name: "no input", args: args("enrich")},
	{name: "two inputs", args: args("enrich", "a.csv", "b.csv")},
	{name: "a file that does not exist", args: func(w *world) []string { return []string{"enrich", w.path("missing.csv")} }},
	{name: "a folder", args: func(w *world) []string { return []string{"enrich", w.dir} }},
	{name: "a file that cannot be read", args: args("enrich", "/proc/self/mem")},
	{name: "an empty file", args: of("leads.csv", "")},
	{name: "an empty stdin", args: func(w *world) []string { return w.enrichArgs("-") }},
	{name: "a header and no row", args: of("leads.csv", "name,email\n")},
	{name: "a column named twice", args: of("leads.csv", "email,name,email\na@leads.example,A,b@leads.example\n")},
	{name: "a column without a name", args: of("leads.csv", "email,,name\na@leads.example,x,A\n")},
	{name: "a header that is no UTF-8", args: of("leads.csv", "pr\xe9nom,email\nA,a@leads.example\n")},
	{name: "a spreadsheet", args: of("leads.xlsx", "PK\x03\x04 and so on")},
	{name: "a JSON array", args: of("leads.json", `[{"email":"a@leads.example"}]`)},
	{name: "an unknown encoding", args: enriching("--encoding", "klingon")},
	{name: "a column to dedupe by that is not there", args: enriching("--dedupe-by", "E-Mail")},
	{name: "a ticket of one's own", args: of("leads.csv", "email,claygate_id\na@leads.example,1\n")},

	{name: "the output is the input", args: func(w *world) []string {
		in := w.file("leads.csv", leads(3))
		return w.enrichArgs(in, "-o", in)
	}},
	{name: "an output in a folder that does not exist", args: func(w *world) []string {
		return w.enrichArgs(w.file("leads.csv", leads(3)), "-o", w.path("missing/out.csv"))
	}},
	{name: "an output that is a folder", args: func(w *world) []string { return w.enrichArgs(w.file("leads.csv", leads(3)), "-o", w.dir) }},

	{name: "no webhook", args: with("CLAY_WEBHOOK_URL", "")},
	{name: "a webhook that is not a URL", args: with("CLAY_WEBHOOK_URL", hookCanary)},
	{name: "a webhook with a line break", args: with("CLAY_WEBHOOK_URL", "https://api.clay.com/v3/sources/webhook/"+hookCanary+"\n")},
	{name: "the address of a page", args: with("CLAY_WEBHOOK_URL", "https://app.clay.com/tables/"+hookCanary)},
	{name: "a webhook without encryption", args: with("CLAY_WEBHOOK_URL", "http://api.clay.com/v3/sources/webhook/"+hookCanary)},
	{name: "a token with a line break", args: with("CLAY_WEBHOOK_TOKEN", tokenCanary+"\n")},
	{name: "nowhere for results to go", args: with("CLAYGATE_PUBLIC_URL", "")},
	{name: "a public URL that is none", args: enriching("--public-url", "hooks.example.com")},
	{name: "a callback address that is none", args: enriching("--callback-listen", "nonsense")},
	{name: "a callback address that is taken", args: func(w *world) []string {
		l, err := net.Listen("tcp", w.callback)
		if err != nil {
			w.t.Fatal(err)
		}
		w.t.Cleanup(func() { _ = l.Close() })
		return enriching()(w)
	}},

	{name: "a ledger in a folder that does not exist", args: func(w *world) []string { return enriching("--ledger", w.path("missing/ledger.db"))(w) }},
	{name: "a ledger that is none", args: func(w *world) []string {
		return enriching("--ledger", w.file("ledger.db", strings.Repeat("no ledger at all ", 100)))(w)
	}},
	{name: "a ledger of a newer version", args: func(w *world) []string {
		w.ledger("INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)")
		return enriching("--ledger", w.path("ledger.db"))(w)
	}},
	{name: "a ledger of another Clay", args: func(w *world) []string {
		w.used()
		w.ledger("UPDATE settings SET value = CAST('https://api.clay.com' AS BLOB) WHERE name = 'clay'")
		return enriching("--ledger", w.path("ledger.db"))(w)
	}},
	{name: "a ledger of the emulator's", args: func(w *world) []string {
		w.used("--emulate")
		return enriching("--ledger", w.path("ledger.db"))(w)
	}},
	{name: "a real ledger for the emulator", args: func(w *world) []string {
		w.used()
		return enriching("--emulate", "--ledger", w.path("ledger.db"))(w)
	}},
	{name: "a pace while another sends", args: func(w *world) []string {
		other := w.start("enrich", w.file("other.csv", leads(1)), "--callback-listen", freeAddress(w.t), "-o", w.path("other.out.csv"),
			"--result-timeout", "1h") // its callbacks go to the other command's address, where nobody is yet
		other.until("0/1")
		w.t.Cleanup(func() {
			other.interrupt <- os.Interrupt
			other.interrupt <- os.Interrupt
			other.wait()
		})
		return enriching()(w)
	}},

	{name: "a wrong token", args: with("CLAY_WEBHOOK_TOKEN", "wr0ngcanary")},
	{name: "a deleted webhook", clay: claytest.Options{Webhooks: []claytest.Webhook{{Name: "another"}}}, args: enriching()},
	{name: "a plan that is too small", clay: answer(402), args: enriching()},
	{name: "a webhook that has had its last record", clay: claytest.Options{Cap: 2}, args: enriching()},
	{name: "a redirect", clay: answer(302), args: enriching()},
	{name: "a limit for an hour", clay: answer(429, "3600"), args: enriching()},
	{name: "a Clay that is not there", args: with("CLAY_WEBHOOK_URL", "http://127.0.0.1:1/v3/sources/webhook/"+hookCanary, "--patience", "1ms")},
	{name: "rows that Clay refuses", clay: answer(400), args: enriching()},
	{name: "an emulator's address that is taken", args: func(w *world) []string {
		return []string{"emulate", "--listen", strings.TrimPrefix(w.clay.URL(), "http://")}
	}},
}

// used makes a ledger from which a row has been sent: another Clay's results must not answer for it from then on.
func (w *world) used(flags ...string) {
	w.t.Helper()
	if r := w.run(append([]string{"send", "a=b", "--ledger", w.path("ledger.db")}, flags...)...); r.code != exitOK {
		w.t.Fatal(r.err)
	}
}

// ledger makes a ledger of this world's Clay and changes it by a statement.
func (w *world) ledger(statement string) {
	w.t.Helper()
	path := w.path("ledger.db")
	if r := w.run("send", "a=b", "--dry-run", "--ledger", path); r.code != exitOK {
		w.t.Fatal(r.err)
	}
	db, err := driver.Open("file:" + filepath.ToSlash(path))
	if err != nil {
		w.t.Fatal(err)
	}
	defer func(db *sql.DB) { _ = db.Close() }(db)
	if _, err := db.Exec(statement); err != nil {
		w.t.Fatal(err)
	}
}

// passing is what is printed as time passes: how much of it there is is chance.
var passing = regexp.MustCompile(`(?m)^(\d+/\d+ · |stopped sending|waiting for ).*\n`)

// transcript is what a command came to, with the names of this world replaced.
func (w *world) transcript(name string, args []string, r result) string {
	ours := regexp.MustCompile(`(this version knows )\d+`) // each step of the schema adds one
	others := regexp.MustCompile(`127\.0\.0\.1:[1-9]\d{2,}`)
	tidy := func(text string) string {
		text = strings.NewReplacer(
			w.dir, "$HOME", w.clay.URL(), "$CLAY", strings.TrimPrefix(w.clay.URL(), "http://"), "$CLAY", w.callback, "$CALLBACK",
		).Replace(passing.ReplaceAllString(text, ""))
		return ours.ReplaceAllString(others.ReplaceAllString(text, "127.0.0.1:$$PORT"), "${1}N")
	}
	line := strings.ReplaceAll(strings.Join(args, " "), " --callback-listen "+w.callback+" --pace 1000", "")
	text := fmt.Sprintf("== %s\n$ claygate %s\n%s", name, tidy(line), tidy(r.err))
	if r.out != "" {
		text += "-- stdout --\n" + tidy(r.out)
	}
	return text + fmt.Sprintf("exit %d\n\n", r.code)
}

// What people read when something is wrong: what happened and how to mend it, and the exit code that scripts look at.
// Read testdata/mistakes.txt as they would.
func TestMistakes(t *testing.T) {
	t.Parallel()
	const golden = "testdata/mistakes.txt"
	all := make([]string, len(mistakes))
	t.Run("each", func(t *testing.T) {
		for i, m := range mistakes {
			t.Run(m.name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, m.clay)
				args := m.args(w)
				r := w.run(args...)
				if r.code == exitOK {
					t.Errorf("it exits with 0:\n%s", r.err)
				}
				all[i] = w.transcript(m.name, args, r)
			})
		}
	})
	got := strings.Join(all, "")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n\n"), strings.Split(got, "\n\n")); diff != "" {
		t.Errorf("run with -update and read the difference (-want +got):\n%s", diff)
	}
}

// Nothing is lost by a wrong token: the rows wait, and the next run with the right one sends each of them once.
func TestRightTokenGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, claytest.Options{Misses: -1})
	in := w.file("leads.csv", leads(5))
	w.queueAll(in)
	if r := w.enrich(in, "-o", w.path("out.csv")); r.code != exitOK || w.clay.Stats().Rows != 5 {
		t.Errorf("exit %d, %d rows at Clay\n%s", r.code, w.clay.Stats().Rows, r.err)
	}
}

// The failure it prevents: Clay had asked to be left alone for an hour; the command that was run again within it said
// nothing, did nothing and did not end.
func TestLongLimitIsRemembered(t *testing.T) {
	t.Parallel()
	w := newWorld(t, answer(429, "3600"))
	in := w.file("leads.csv", leads(3))
	if r := w.enrich(in, "-o", w.path("out.csv")); r.code != exitRateLimited {
		t.Fatalf("exit %d\n%s", r.code, r.err)
	}
	before := w.clay.Stats().Requests
	if err := w.clay.SetFaults(); err != nil {
		t.Fatal(err)
	}
	r := w.enrich(in, "-o", w.path("out.csv"))
	if r.code != exitRateLimited || w.clay.Stats().Requests != before || !strings.Contains(r.err, "Clay takes nothing more for 1 h") {
		t.Errorf("exit %d, %d requests\n%s", r.code, w.clay.Stats().Requests-before, r.err)
	}
}
