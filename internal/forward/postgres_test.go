package forward_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/claygate/claygate/internal/forward"
	"github.com/claygate/claygate/internal/ledger"
	"github.com/claygate/claygate/internal/ledger/postgres/pgtest"
)

// base is a database of a test, and a world that forwards to a table of it.
type base struct {
	*world
	*pgtest.Cluster
	dsn    string
	logged reasons
}

// reasons is a log that hears why something was not delivered.
type reasons chan string

func (r reasons) Enabled(context.Context, slog.Level) bool { return true }
func (r reasons) WithAttrs([]slog.Attr) slog.Handler       { return r }
func (r reasons) WithGroup(string) slog.Handler            { return r }

func (r reasons) Handle(_ context.Context, line slog.Record) error {
	line.Attrs(func(a slog.Attr) bool {
		if a.Key == "reason" {
			select {
			case r <- a.Value.String():
			default:
			}
		}
		return true
	})
	return nil
}

func newBase(t *testing.T) *base {
	t.Helper()
	c := pgtest.Shared(t)
	b := &base{newWorld(t, "crm"), c, c.Database(t), make(reasons, 100)}
	b.Forwarder.Log = slog.New(b.logged)
	return b
}

// table is the destination "crm": n, title and email of each record, by e-mail.
func (b *base) table(change ...func(*forward.Postgres)) *forward.Destination {
	b.Helper()
	p := forward.Postgres{
		Settings: forward.Settings{Name: "crm"}, DSN: b.dsn, Table: []string{"people"}, Key: []string{"email"}, Reach: forward.Private, Create: true,
		Columns: map[string]forward.Value{"email": b.of("fields.email"), "n": b.of("result.n"), "title": b.of("result.title")},
		Types:   map[string]string{"n": "number"},
	}
	for _, c := range change {
		c(&p)
	}
	d, err := forward.NewPostgres(p)
	if err != nil {
		b.Fatal(err)
	}
	return d
}

// query runs SQL as the table's owner.
func (b *base) query(sql string) string {
	b.Helper()
	return b.SQL(b.T, b.dsn, "SET ROLE "+pgtest.User+"; "+sql)
}

func (b *base) want(sql, want string) {
	b.Helper()
	if got := b.query(sql); got != want {
		b.Errorf("%s: %q, not %q", sql, got, want)
	}
}

// result gives records further results.
func (b *base) result(fields string, ids ...ledger.RecordID) {
	b.Helper()
	var results []ledger.Entry
	for _, id := range ids {
		results = append(results, ledger.Entry{Record: id, Event: ledger.Result{Fields: []byte(fields)}})
	}
	if _, err := b.store.Apply(b.Context(), results); err != nil {
		b.Fatal(err)
	}
}

func (b *base) again(ids ...ledger.RecordID) {
	b.Helper()
	if _, err := b.store.Redeliver(b.Context(), ledger.Redelivery{Records: ids}); err != nil {
		b.Fatal(err)
	}
	b.untilEmpty("crm")
}

// given returns why deliveries were given up.
func (b *base) given() (all []string) {
	b.Helper()
	dead, err := b.store.Undelivered(b.Context(), "crm", 100)
	if err != nil {
		b.Fatal(err)
	}
	for _, d := range dead {
		all = append(all, d.Reason)
	}
	return all
}

func same(s *ledger.Submission) { s.Fields = []byte(`{"email":"ada@example.com"}`) }

func TestTable(t *testing.T) {
	b := newBase(t)
	b.to(b.table())
	ids := b.done(250)
	b.untilEmpty("crm")
	b.want(`SELECT count(*), sum(n), min(title), min(claygate_revision), count(DISTINCT claygate_record) FROM people`, "250|31125|Countess|1|250")
	b.result(`{"phone":"1"}`, ids[3])
	b.untilEmpty("crm")
	b.want(`SELECT count(*), max(claygate_revision) FROM people`, "250|2")
	b.want(`SELECT claygate_record FROM people WHERE claygate_revision = 2`, ids[3].String())
	b.want(`SELECT string_agg(format_type(atttypid, -1), ' ' ORDER BY attname) FROM pg_attribute WHERE attrelid = 'people'::regclass AND attnum > 0`,
		"text integer text numeric text")
}

// An older result that was delivered again took the place of a newer one.
func TestNoOlderResultTakesTheRow(t *testing.T) {
	b := newBase(t)
	b.to(b.table())
	first := b.done(1, same)[0]
	second := b.done(1, same)[0]
	b.untilEmpty("crm")
	b.want(`SELECT claygate_record FROM people`, second.String())
	b.again(first)
	b.want(`SELECT claygate_record FROM people`, second.String())
	b.query(`UPDATE people SET title = 'changed'`)
	b.again(second) // the same one again mends the row
	b.want(`SELECT title FROM people`, "Countess")
	b.query(`UPDATE people SET claygate_revision = 7, title = 'newer'`)
	b.again(first, second)
	b.want(`SELECT title FROM people`, "newer")
}

// Several records of one key in one statement were an error of the database.
func TestOneKeyTwiceInABatch(t *testing.T) {
	b := newBase(t)
	ids := b.done(40, same)
	b.to(b.table())
	b.untilEmpty("crm")
	b.want(`SELECT count(*), min(claygate_record) FROM people`, "1|"+ids[39].String())
	b.done(40, same)
	b.done(40, same)
	b.untilEmpty("crm")
	b.want(`SELECT count(*) FROM people`, "1")
}

// One row that a table does not take held up all of its batch.
func TestBadRowsAreAlone(t *testing.T) {
	b := newBase(t)
	b.query(`CREATE TABLE people (email varchar(30) PRIMARY KEY CHECK (email <> '9@example.com'), n integer NOT NULL, title jsonb, born date,
		claygate_record text, claygate_revision bigint)`)
	bad := map[int]string{
		3: `{"email":"","born":null}`, 5: `{"email":"5@example.com","born":"canary"}`, 7: `{"email":"` + strings.Repeat("canary", 9) + `"}`,
		11: `{"email":"11\u0000@example.com"}`,
	}
	n := 0
	b.done(40, func(s *ledger.Submission) {
		if text := bad[n]; text != "" {
			s.Fields = []byte(text)
		}
		n++
	})
	b.to(b.table(func(p *forward.Postgres) { p.Columns["born"] = b.of("fields.born") }))
	b.until("crm", func(d ledger.DestinationStatus) bool { return d.Waiting == 0 && d.Dead == 5 })
	b.want(`SELECT count(*), min(title::text) FROM people`, `35|"Countess"`)
	got := fmt.Sprintf("%q", b.given())
	for _, want := range []string{
		"its key column email would be empty", "the column born, date, does not take its value (SQLSTATE 22007)", "the table does not take its values (SQLSTATE 22001)",
		"the constraint people_email_check does not take it (SQLSTATE 23514)", "SQLSTATE 22021",
	} {
		if !strings.Contains(got, want) {
			b.Errorf("no %q in %s", want, got)
		}
	}
	if strings.Contains(got, "canary") {
		b.Errorf("reasons hold data: %s", got)
	}
}

// What a column cannot be said to be: texts for what is none, nothing for what is empty.
func TestValuesFitTheirColumns(t *testing.T) {
	b := newBase(t)
	b.query(`CREATE SCHEMA "Sales"; CREATE TYPE mood AS ENUM ('well'); CREATE TABLE "Sales"."All People" (claygate_record text PRIMARY KEY,
		claygate_revision integer, "a ""b""" text, i integer, f double precision, b boolean, j json, m mood, e integer, t timestamptz)`)
	b.done(1, func(s *ledger.Submission) {
		s.Fields = []byte(`{"list":["x",{"y":1}],"i":"7","f":1e21,"b":true,"m":"well","e":"","t":"2026-11-23T09:00:12Z"}`)
	})
	b.to(b.table(func(p *forward.Postgres) {
		p.Table, p.Key, p.Create, p.Columns = []string{"Sales", "All People"}, nil, false, map[string]forward.Value{`a "b"`: b.of("fields.list"), "j": b.of("fields.list")}
		for _, name := range []string{"i", "f", "b", "m", "e", "t"} {
			p.Columns[name] = b.of("fields." + name)
		}
	}))
	b.untilEmpty("crm")
	b.want(`SELECT "a ""b""", i, f, b, j, m, e, t AT TIME ZONE 'UTC' FROM "Sales"."All People"`,
		`["x",{"y":1}]|7|1e+21|t|["x",{"y":1}]|well||2026-11-23 09:00:12`)
}

// A table that is there is taken as it is, and gets the columns that it lacks.
func TestColumnsAreAdded(t *testing.T) {
	b := newBase(t)
	b.query(`CREATE TABLE people (email text PRIMARY KEY, own integer DEFAULT 7); INSERT INTO people VALUES ('0@example.com', 8)`)
	b.to(b.table())
	b.done(2)
	b.untilEmpty("crm")
	b.want(`SELECT string_agg(email || ' ' || own || ' ' || n || ' ' || title, ', ' ORDER BY email) FROM people`, "0@example.com 8 0 Countess, 1@example.com 7 1 Countess")
}

// What is wrong with a table or a database is wrong with every row: they wait, and none is given up.
func TestATableThatMustBeMended(t *testing.T) {
	for name, tt := range map[string]struct {
		before string
		change func(*forward.Postgres)
		want   string
	}{
		"no table":      {"", func(p *forward.Postgres) { p.Create = false }, "there is no such table: make it, or set create: true"},
		"no column":     {`CREATE TABLE people (email text PRIMARY KEY)`, func(p *forward.Postgres) { p.Create = false }, "the table has no column claygate_record, claygate_revision, n, title: make it, or set create: true"},
		"no index":      {`CREATE TABLE people (email text)`, nil, "no unique index"},
		"no rights":     {`RESET ROLE; CREATE TABLE people (email text PRIMARY KEY)`, nil, "its user has not the rights"},
		"no schema":     {"", func(p *forward.Postgres) { p.Table = []string{"canary", "people"} }, "there is no such schema (SQLSTATE 3F000)"},
		"no database":   {"", func(p *forward.Postgres) { p.DSN = strings.Replace(p.DSN, "?", "canary?", 1) }, "there is no such database"},
		"no password":   {"", func(p *forward.Postgres) { p.DSN = strings.Replace(p.DSN, pgtest.Password, "canary", 1) }, "does not take its user or its password"},
		"no server":     {"", func(p *forward.Postgres) { p.DSN = "postgres://canary:canary@127.0.0.1:1/canary" }, "no answer: connection refused"},
		"not permitted": {"", func(p *forward.Postgres) { p.Reach = forward.Public }, "it leads to a private, local or reserved address"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBase(t)
			if tt.before != "" {
				b.query(tt.before)
			}
			b.done(30)
			b.to(b.table(func(p *forward.Postgres) {
				if tt.change != nil {
					tt.change(p)
				}
			}))
			got := <-b.logged
			if !strings.Contains(got, tt.want) || strings.Contains(got, "canary") {
				t.Errorf("%q, not %q", got, tt.want)
			}
			b.until("crm", func(d ledger.DestinationStatus) bool { return d.Waiting == 30 && d.Dead == 0 })
		})
	}
}
