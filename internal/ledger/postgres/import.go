package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/claygate/claygate/internal/ledger"
)

// Import is a database that is being filled with another ledger's rows. Until [Import.Finish] no gateway opens it.
type Import struct {
	conn  *pgx.Conn
	types map[string]map[string]string // of columns, by table and name
	// Kept is what the one who began it left for himself.
	Kept string
}

// copying is the setting that says that a ledger is not whole yet, and keeps what the one who fills it needs.
const copying = "copying"

// unfinished refuses a ledger that is not whole yet.
func unfinished(ctx context.Context, conn *pgx.Conn) error {
	var begun bool
	err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM settings WHERE name = $1)`, copying).Scan(&begun)
	if err != nil || !begun {
		return wrap("open", err)
	}
	return &ledger.Error{
		Kind: ledger.Busy, Op: "open", Message: "a ledger is being copied into the database",
		Hint: "wait for `claygate ledger copy` to end, or run it again if it was broken off: it goes on from where it was",
	}
}

// BeginImport makes the tables, and takes an empty database, or one into which the same was being copied. Whose it is, it is
// told by the source's name; keep is kept until the end.
func BeginImport(ctx context.Context, dsn, source, keep string) (*Import, error) {
	config, err := configure(dsn)
	if err != nil {
		return nil, err
	}
	conn, err := pgx.ConnectConfig(ctx, config.ConnConfig)
	if err != nil {
		return nil, unreachable(err)
	}
	i := &Import{conn: conn, types: map[string]map[string]string{}}
	err = check(ctx, conn)
	if err == nil {
		err = migrate(ctx, config.ConnConfig)
	}
	if err == nil {
		err = i.begin(ctx, source, keep)
	}
	if err == nil {
		err = i.readTypes(ctx)
	}
	if err != nil {
		_ = conn.Close(ctx)
		return nil, wrap("copy", err)
	}
	return i, nil
}

func (i *Import) begin(ctx context.Context, source, keep string) error {
	var locked bool // until the connection ends
	if err := i.conn.QueryRow(ctx, `SELECT pg_try_advisory_lock(7310868737)`).Scan(&locked); err != nil {
		return err
	}
	if !locked {
		return &ledger.Error{Kind: ledger.Busy, Op: "copy", Message: "another process is copying into the database"}
	}
	var begun []byte
	err := i.conn.QueryRow(ctx, `SELECT coalesce((SELECT value FROM settings WHERE name = $1), '')`, copying).Scan(&begun)
	if err != nil {
		return err
	}
	from, kept, _ := strings.Cut(string(begun), "\n")
	switch {
	case from == source:
		i.Kept = kept
		return nil
	case from != "":
		return &ledger.Error{Kind: ledger.Conflict, Op: "copy", Message: "another ledger was being copied into the database", Hint: "go on with that one, or name an empty database"}
	}
	for _, table := range tables {
		var filled bool
		if err := i.conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM `+table+`)`).Scan(&filled); err != nil {
			return err
		}
		if filled {
			return &ledger.Error{Kind: ledger.Conflict, Op: "copy", Message: "the database holds a ledger already", Hint: "name an empty database: two ledgers cannot be made one"}
		}
	}
	i.Kept = keep
	_, err = i.conn.Exec(ctx, `INSERT INTO settings (name, value) VALUES ($1, $2)`, copying, []byte(source+"\n"+keep))
	return err
}

func (i *Import) readTypes(ctx context.Context) error {
	rows, _ := i.conn.Query(ctx, `SELECT c.relname, a.attname, format_type(a.atttypid, -1) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
		WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = ANY($1) AND a.attnum > 0 AND NOT a.attisdropped`, tables)
	var table, column, kind string
	_, err := pgx.ForEachRow(rows, []any{&table, &column, &kind}, func() error {
		if i.types[table] == nil {
			i.types[table] = map[string]string{}
		}
		i.types[table][column] = kind
		return nil
	})
	return err
}

// Lacks says what of a table the database has no place for, "" for nothing.
func (i *Import) Lacks(t ledger.Table) string {
	if i.types[t.Name] == nil {
		return "the table " + t.Name
	}
	for _, name := range t.Columns {
		if i.types[t.Name][name] == "" {
			return "the column " + name + " of the table " + t.Name
		}
	}
	return ""
}

// Fit makes a row of the source one of the database: what is written, read and compared.
func (i *Import) Fit(t ledger.Table, row []any) ([]any, error) {
	out := make([]any, len(row))
	for n, value := range row {
		switch kind := i.types[t.Name][t.Columns[n]]; v := value.(type) {
		case int64:
			if out[n] = v; kind == "boolean" {
				out[n] = v != 0
			}
		case string:
			out[n] = text(v)
		case []byte:
			if out[n] = v; kind == "uuid" {
				if len(v) != 16 {
					return nil, fmt.Errorf("a value of %s.%s has %d bytes in place of 16", t.Name, t.Columns[n], len(v))
				}
				out[n] = [16]byte(v)
			}
		default:
			out[n] = v
		}
	}
	return out, nil
}

// Write adds rows to a table, all of them or none.
func (i *Import) Write(ctx context.Context, t ledger.Table, rows [][]any) error {
	columns := t.Columns
	if i.types[t.Name]["shard"] != "" { // a counter of the source is one shard
		columns = append(slices.Clone(columns), "shard")
		for n := range rows {
			rows[n] = append(rows[n], int64(0))
		}
	}
	_, err := i.conn.CopyFrom(ctx, pgx.Identifier{t.Name}, columns, pgx.CopyFromRows(rows))
	return wrap("copy", err)
}

// copied returns a table without what is only there while it is being copied.
func copied(t ledger.Table) string {
	if t.Name == "settings" {
		return `settings WHERE name <> '` + copying + `'`
	}
	return t.Name
}

// Last returns the key of the last row of a table as the source has it, nil for none: from there on the rest is still to be
// written.
func (i *Import) Last(ctx context.Context, t ledger.Table) (key []any, err error) {
	order := make([]string, len(t.Key))
	for n, name := range t.Key {
		if order[n] = name + " DESC"; i.types[t.Name][name] == "text" {
			order[n] = name + ` COLLATE "C" DESC`
		}
	}
	rows, _ := i.conn.Query(ctx, fmt.Sprintf(`SELECT %s FROM %s ORDER BY %s LIMIT 1`, strings.Join(t.Key, ", "), copied(t), strings.Join(order, ", ")))
	defer rows.Close()
	for rows.Next() {
		if key, err = rows.Values(); err != nil {
			return nil, wrap("copy", err)
		}
	}
	for n, value := range key {
		if id, ok := value.([16]byte); ok {
			key[n] = id[:]
		}
	}
	return key, wrap("copy", rows.Err())
}

// Sum adds up the rows of a table.
func (i *Import) Sum(ctx context.Context, t ledger.Table) (sum ledger.Checksum, err error) {
	rows, _ := i.conn.Query(ctx, fmt.Sprintf(`SELECT %s FROM %s`, strings.Join(t.Columns, ", "), copied(t)))
	defer rows.Close()
	for rows.Next() {
		row, err := rows.Values()
		if err == nil {
			err = sum.Add(row)
		}
		if err != nil {
			return sum, wrap("copy", err)
		}
	}
	return sum, wrap("copy", rows.Err())
}

// Number has a table's next row numbered after those that there were.
func (i *Import) Number(ctx context.Context, t ledger.Table, last int64) error {
	if len(t.Key) != 1 || i.types[t.Name][t.Key[0]] != "bigint" {
		return nil
	}
	_, err := i.conn.Exec(ctx, fmt.Sprintf(`SELECT setval(pg_get_serial_sequence('%[1]s', '%[2]s'), greatest((SELECT coalesce(max(%[2]s), 0) FROM %[1]s), $1, 1))`,
		t.Name, t.Key[0]), last)
	return wrap("copy", err)
}

// Finish makes the database a ledger that gateways open.
func (i *Import) Finish(ctx context.Context) error {
	if _, err := i.conn.Exec(ctx, `DELETE FROM settings WHERE name = $1`, copying); err != nil {
		return wrap("copy", err)
	}
	_, err := i.conn.Exec(ctx, `ANALYZE`)
	return wrap("copy", err)
}

// Close ends the connection. What is not finished goes on with another Import.
func (i *Import) Close() error { return i.conn.Close(context.Background()) }
