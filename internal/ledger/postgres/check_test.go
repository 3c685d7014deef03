package postgres

import (
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/claygate/claygate/internal/ledger"
	"github.com/claygate/claygate/internal/ledger/postgres/pgtest"
)

// What a database says of itself decides whether it does for a ledger.
func TestServerFaults(t *testing.T) {
	schema := "public"
	good := server{version: 150004, name: "15.4", fsync: "on", commits: "on", encoding: "UTF8", schema: &schema}
	for want, change := range map[string]func(*server){
		"":                         func(*server) {},
		"13 is the oldest":         func(s *server) { s.version = 120011 },
		"is a standby":             func(s *server) { s.standby = true },
		"only reads":               func(s *server) { s.readOnly = true },
		"fsync is off":             func(s *server) { s.fsync = "off" },
		"synchronous_commit is of": func(s *server) { s.commits = "off" },
		"without waiting for them": func(s *server) { s.commits, s.standbys = "local", "b" },
		"encoding is LATIN1":       func(s *server) { s.encoding = "LATIN1" },
		"no schema":                func(s *server) { s.schema = nil },
	} {
		s := good
		change(&s)
		if message, hint := s.fault(); !strings.Contains(message, want) || (want == "") != (message == "") || (hint == "") != (want == "") {
			t.Errorf("%q, do %q; want %q", message, hint, want)
		}
	}
	local := good
	local.commits = "local"
	if message, _ := local.fault(); message != "" {
		t.Errorf("without standbys a local commit is all there is: %s", message)
	}
}

// A database that is wrong, or wrongly addressed, is refused at once, with what to do, and without its password.
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	c := pgtest.Shared(t)
	with := func(change func(*url.URL)) string {
		u, err := url.Parse(c.Database(t))
		must(t, err)
		change(u)
		return u.String()
	}
	altered := func(statement string) string {
		dsn := c.Database(t)
		u, err := url.Parse(dsn)
		must(t, err)
		c.SQL(t, dsn, strings.ReplaceAll(statement, "THIS", strings.TrimPrefix(u.Path, "/")))
		return dsn
	}
	newer := c.Database(t)
	must(t, replica(t, Options{DSN: newer}).Close())
	c.SQL(t, newer, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, true)")
	denied := c.Database(t)
	must(t, replica(t, Options{DSN: denied}).Close())
	c.SQL(t, denied, "ALTER TABLE records OWNER TO postgres; REVOKE ALL ON records FROM "+pgtest.User)
	for name, tt := range map[string]struct {
		dsn, want string
		kind      ledger.Kind
	}{
		"no address":         {"postgres://u:" + pgtest.Password + "@h:x/d", "cannot be read", ledger.Invalid},
		"nobody there":       {with(func(u *url.URL) { u.Host = "127.0.0.1:1" }), "cannot be reached", ledger.Unavailable},
		"a wrong password":   {with(func(u *url.URL) { u.User = url.UserPassword(pgtest.User, pgtest.Password+"x") }), "refuses the role or its password", ledger.Unavailable},
		"no such database":   {with(func(u *url.URL) { u.Path = "/none" }), "no such database", ledger.Unavailable},
		"it only reads":      {altered("ALTER DATABASE THIS SET default_transaction_read_only = on"), "only reads", ledger.Unavailable},
		"it does not flush":  {altered("ALTER DATABASE THIS SET synchronous_commit = off"), "synchronous_commit is off", ledger.Unavailable},
		"no place to create": {altered("ALTER SCHEMA public OWNER TO postgres; REVOKE ALL ON SCHEMA public FROM PUBLIC"), "", ledger.Unavailable},
		"a newer schema":     {newer, "has schema 999", ledger.Foreign},
		"no rights":          {denied, "may not read and write the tables records", ledger.Unavailable},
	} {
		s, err := Open(t.Context(), Options{DSN: tt.dsn})
		if err == nil {
			t.Errorf("%s: it opens", name)
			must(t, s.Close())
			continue
		}
		if ledger.KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), pgtest.Password) {
			t.Errorf("%s: %v (%s), want %q (%s)", name, err, ledger.KindOf(err), tt.want, tt.kind)
		}
	}
}

// A database that stops to wait for its disk while it is in use gets nothing more.
func TestCommitsAreAsked(t *testing.T) {
	t.Parallel()
	c := pgtest.Shared(t)
	s := replica(t, Options{DSN: c.Database(t)})
	accept(t, s, sub())
	_, err := s.writer.conn.Exec(t.Context(), "SET synchronous_commit = off")
	must(t, err)
	if _, err := s.Accept(t.Context(), []ledger.Submission{sub()}); ledger.KindOf(err) != ledger.Unavailable {
		t.Errorf("it is taken: %v", err)
	}
}

// Replicas that start together on an empty database migrate it once.
func TestMigrateTogether(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Shared(t).Database(t)
	plan, err := Migration(t.Context(), dsn)
	must(t, err)
	if plan.Have != 0 || len(plan.Steps) == 0 || int64(len(plan.Steps)) > plan.Want {
		t.Errorf("the plan for an empty database is %+v", plan)
	}
	var work sync.WaitGroup
	for range 6 {
		work.Go(func() {
			s, err := Open(t.Context(), Options{DSN: dsn, Catalog: catalog()})
			if err != nil {
				t.Error(err)
				return
			}
			accept(t, s, sub())
			must(t, s.Close())
		})
	}
	work.Wait()
	if got := counts(t, replica(t, Options{DSN: dsn})).Total(); got != 6 {
		t.Errorf("%d records of 6", got)
	}
	if plan, err = Migration(t.Context(), dsn); err != nil || len(plan.Steps) > 0 || plan.Have != plan.Want {
		t.Errorf("afterwards the plan is %+v, %v", plan, err)
	}
}
