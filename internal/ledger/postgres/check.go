package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/claygate/claygate/internal/ledger"
)

// OldestServer is the oldest major version of PostgreSQL that a ledger is opened on.
const OldestServer = 13

// server is what a database says of itself.
type server struct {
	version  int // such as 150004
	name     string
	standby  bool
	readOnly bool
	fsync    string
	commits  string // synchronous_commit
	standbys string // synchronous_standby_names
	encoding string
	schema   *string // where tables are made; nil when none of the search path exists
}

// check refuses a database that would not keep what it is given, or could not.
func check(ctx context.Context, conn *pgx.Conn) error {
	var s server
	err := conn.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, current_setting('server_version'), pg_is_in_recovery(),
		current_setting('transaction_read_only') = 'on', current_setting('fsync'), current_setting('synchronous_commit'),
		current_setting('synchronous_standby_names'), current_setting('server_encoding'), current_schema()`).
		Scan(&s.version, &s.name, &s.standby, &s.readOnly, &s.fsync, &s.commits, &s.standbys, &s.encoding, &s.schema)
	if err != nil {
		return wrap("open", err)
	}
	if message, hint := s.fault(); message != "" {
		return &ledger.Error{Kind: ledger.Unavailable, Op: "open", Message: message, Hint: hint}
	}
	return nil
}

// fault says why a database does not do for a ledger; "" when it does.
func (s server) fault() (message, hint string) {
	switch {
	case s.version < OldestServer*10000:
		return fmt.Sprintf("the database is PostgreSQL %s, and %d is the oldest that works", s.name, OldestServer), "upgrade the server"
	case s.standby:
		return "the database is a standby, which only reads", "name the primary; with several hosts in the address add target_session_attrs=read-write"
	case s.readOnly:
		return "the database only reads (default_transaction_read_only is on)", "turn it off for this role and database"
	case s.fsync == "off":
		return "the database does not wait for its disk (fsync is off)", "turn fsync on: an accepted record must survive a power cut"
	case s.commits == "off":
		return "the database commits without waiting for its disk (synchronous_commit is off)",
			"set synchronous_commit to on for this role and database: an accepted record must survive a power cut"
	case s.commits == "local" && s.standbys != "":
		return "the database has synchronous standbys and commits without waiting for them (synchronous_commit is local)",
			"set synchronous_commit to on for this role and database: an accepted record must survive a failover"
	case s.encoding != "UTF8":
		return "the database's encoding is " + s.encoding, "make one with ENCODING 'UTF8'"
	case s.schema == nil:
		return "the database has no schema to make tables in", "create the schema that the role's search_path names"
	}
	return "", ""
}

// checkRights refuses a role that may not do with the tables what the ledger does.
func checkRights(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, `SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = current_schema() AND c.relkind = 'r' AND c.relname = ANY($1) AND NOT (has_table_privilege(c.oid, 'SELECT')
		AND has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE'))
		ORDER BY 1`, tables)
	if err != nil {
		return wrap("open", err)
	}
	denied, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return wrap("open", err)
	}
	if len(denied) > 0 {
		return &ledger.Error{
			Kind: ledger.Unavailable, Op: "open", Message: "the database's role may not read and write the tables " + strings.Join(denied, ", "),
			Hint: "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA … TO the role",
		}
	}
	return nil
}

// tables of the ledger.
var tables = []string{
	"api_keys", "attempts", "audit", "bodies", "breakers", "brought", "callbacks", "counts", "destinations", "idempotency", "keys", "lanes", "loads", "notices",
	"outbox", "overdrawn", "records", "results", "runs", "settings", "targets", "usage", "usual", "webhooks",
}

// unreachable makes an error of the first connection one that says what may be wrong.
func unreachable(err error) error {
	e := &ledger.Error{Kind: ledger.Unavailable, Op: "open", Message: "the database cannot be reached", Err: err,
		Hint: "check the address and that the server runs and lets this machine through"}
	switch code(err) {
	case "28P01", "28000":
		e.Message, e.Hint = "the database refuses the role or its password", "check user and password of the address, and the server's pg_hba.conf"
	case "3D000":
		e.Message, e.Hint = "there is no such database", "create it: CREATE DATABASE … ENCODING 'UTF8'"
	case "53300":
		e.Message, e.Hint = "the database takes no more connections", fmt.Sprintf("raise max_connections: a replica uses up to %d", readers+2)
	}
	return e
}
