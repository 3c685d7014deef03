package forward

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// shape is what the columns of a table take, by their names.
type shape map[string]columnType

// columnType is the type of a column, without its length and precision: those are for the assignment to judge, because a
// cast to them cuts off in silence.
type columnType struct {
	name string
	text bool // takes any text
	json bool
}

// missing is a table, or columns of it, that are not there.
type missing struct{ columns []string }

func (m missing) Error() string {
	if len(m.columns) == 0 {
		return "there is no such table"
	}
	return "the table has no column " + strings.Join(m.columns, ", ")
}

// look reads the types of a table's columns and, where it may, makes what is missing. It is read for every batch: people
// change tables while they are written to.
func (t *table) look(ctx context.Context) (shape, error) {
	ctx, cancel := context.WithTimeout(ctx, t.Timeout)
	defer cancel()
	pool, err := t.connections()
	if err != nil {
		return nil, err
	}
	s, err := t.read(ctx, pool)
	if err != nil || s.lacks(t) == nil {
		return s, err
	}
	if !t.Create {
		return nil, s.lacks(t)
	}
	if err := t.create(ctx, pool); err != nil {
		return nil, err
	}
	if s, err = t.read(ctx, pool); err != nil {
		return nil, err
	}
	return s, s.lacks(t)
}

const readColumns = `SELECT a.attname, format_type(a.atttypid, -1), t.typcategory = 'S',
	format_type(coalesce(nullif(t.typbasetype, 0), t.oid), -1) IN ('json', 'jsonb')
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = to_regclass($1::text) AND a.attnum > 0 AND NOT a.attisdropped`

func (t *table) read(ctx context.Context, pool *pgxpool.Pool) (shape, error) {
	rows, err := pool.Query(ctx, readColumns, t.quoted())
	if err != nil {
		return nil, err
	}
	s := shape{}
	var name string
	var c columnType
	_, err = pgx.ForEachRow(rows, []any{&name, &c.name, &c.text, &c.json}, func() error {
		s[name] = c
		return nil
	})
	return s, err
}

// lacks says what a table has not that is written to, nil for nothing.
func (s shape) lacks(t *table) error {
	var m missing
	for _, name := range append([]string{RecordColumn, RevisionColumn}, t.names...) {
		if s[name].name == "" {
			m.columns = append(m.columns, name)
		}
	}
	switch {
	case len(s) == 0:
		return missing{}
	case m.columns != nil:
		return m
	}
	return nil
}

// columnTypes are the types of columns that are made, by what the configuration calls them.
var columnTypes = map[string]string{"": "text", "text": "text", "number": "numeric", "bool": "boolean", "json": "jsonb"}

// create makes the table, or the columns that it lacks. Several gateways may come upon it at once: they take turns.
func (t *table) create(ctx context.Context, pool *pgxpool.Pool) error {
	columns := []string{RecordColumn + ` text COLLATE "C"`, RevisionColumn + " integer"}
	for _, name := range t.names {
		columns = append(columns, pgx.Identifier{name}.Sanitize()+" "+columnTypes[t.Types[name]])
	}
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended('claygate ' || $1::text, 0))", t.quoted()); err != nil {
			return err
		}
		whole := fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s (%s, PRIMARY KEY (%s))", t.quoted(), strings.Join(columns, ", "), list(t.key()))
		if _, err := tx.Exec(ctx, whole); err != nil {
			return err
		}
		add := "ALTER TABLE " + t.quoted() + " ADD COLUMN IF NOT EXISTS " + strings.Join(columns, ", ADD COLUMN IF NOT EXISTS ")
		_, err := tx.Exec(ctx, add)
		return err
	})
}

// quoted returns the table's name as SQL has it.
func (t *table) quoted() string { return pgx.Identifier(t.Table).Sanitize() }

// key returns the columns whose values make a row one.
func (t *table) key() []string {
	if len(t.Key) == 0 {
		return []string{RecordColumn}
	}
	return t.Key
}

// list writes names of columns as SQL has them.
func list(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = pgx.Identifier{name}.Sanitize()
	}
	return strings.Join(quoted, ", ")
}
