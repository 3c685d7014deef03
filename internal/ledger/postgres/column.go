package postgres

import (
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/claygate/claygate/internal/ledger"
)

// column is a column of a table that many rows are written to in one statement: its values go as one array.
type column[T any] struct {
	name  string
	kind  string // of the column, as PostgreSQL names it
	array func(rows []T) any
}

func col[T, V any](name, kind string, value func(T) V) column[T] {
	return column[T]{name, kind, func(rows []T) any {
		values := make([]V, len(rows))
		for i, row := range rows {
			values[i] = value(row)
		}
		return values
	}}
}

// arrays returns the arguments of a statement that takes the columns of some rows.
func arrays[T any](columns []column[T], rows []T) []any {
	args := make([]any, len(columns))
	for i, c := range columns {
		args[i] = c.array(rows)
	}
	return args
}

// names lists the columns, and unnested the parameters that hold them.
func names[T any](columns []column[T]) string {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = c.name
	}
	return strings.Join(list, ", ")
}

func unnested[T any](columns []column[T]) string {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = fmt.Sprintf("$%d::%s[]", i+1, c.kind)
	}
	return "unnest(" + strings.Join(list, ", ") + ")"
}

// insertInto returns the statement that adds rows to a table, to which a conflict clause may be added.
func insertInto[T any](table string, columns []column[T]) string {
	return "INSERT INTO " + table + " (" + names(columns) + ") SELECT * FROM " + unnested(columns)
}

// updateOf returns the statement that changes rows of a table which it finds by the first so many columns.
func updateOf[T any](table string, columns []column[T], keys int) string {
	var sets, where []string
	for i, c := range columns {
		if i < keys {
			where = append(where, "t."+c.name+" = v."+c.name)
		} else {
			sets = append(sets, c.name+" = v."+c.name)
		}
	}
	return "UPDATE " + table + " t SET " + strings.Join(sets, ", ") + " FROM " + unnested(columns) + " AS v (" + names(columns) + ") WHERE " +
		strings.Join(where, " AND ")
}

// uuid is a digest or an ID as a value of a column; the zero one is NULL.
func uuid(d ledger.Digest) pgtype.UUID { return pgtype.UUID{Bytes: d, Valid: !d.IsZero()} }

func idOf(id ledger.RecordID) pgtype.UUID { return pgtype.UUID{Bytes: id, Valid: true} }

func uuids[D ~[16]byte](list []D) []pgtype.UUID {
	out := make([]pgtype.UUID, len(list))
	for i, d := range list {
		out[i] = pgtype.UUID{Bytes: d, Valid: true}
	}
	return out
}

// text is what a column of text can hold of what somebody else wrote: PostgreSQL refuses NUL and what is not UTF-8.
func text(s string) string {
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "\uFFFD")
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

func some(micros int64) pgtype.Int8 { return pgtype.Int8{Int64: micros, Valid: true} }
