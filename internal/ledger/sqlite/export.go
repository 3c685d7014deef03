package sqlite

import (
	"context"
	"fmt"
	"strings"

	"github.com/claygate/claygate/internal/ledger"
)

// Tables returns what the ledger's file holds, for moving it to another store.
func (s *Store) Tables(ctx context.Context) ([]ledger.Table, error) {
	names, err := column[string](ctx, s, `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
		AND name NOT LIKE 'goose_%' ORDER BY name`)
	if err != nil {
		return nil, err
	}
	var tables []ledger.Table
	for _, name := range names {
		t := ledger.Table{Name: name}
		if t.Columns, err = column[string](ctx, s, `SELECT name FROM pragma_table_info(?) ORDER BY cid`, name); err != nil {
			return nil, err
		}
		if t.Key, err = column[string](ctx, s, `SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk`, name); err != nil {
			return nil, err
		}
		if len(t.Key) == 0 {
			t.Key, err = column[string](ctx, s, `SELECT i.name FROM pragma_index_list(?) l, pragma_index_info(l.name) i WHERE l."unique" = 1
				ORDER BY l.seq, i.seqno`, name)
		}
		if err != nil {
			return nil, err
		}
		tables = append(tables, t)
	}
	return tables, nil
}

// Numbered returns the last number that was given to a row of a table that numbers its rows, 0 for none.
func (s *Store) Numbered(ctx context.Context, table string) (int64, error) {
	last, err := column[int64](ctx, s, `SELECT seq FROM sqlite_sequence WHERE name = ?`, table)
	if err != nil || len(last) == 0 {
		return 0, err
	}
	return last[0], nil
}

// column reads a column of texts or numbers.
func column[T any](ctx context.Context, s *Store, query string, args ...any) (all []T, err error) {
	rows, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, s.wrap("read", err)
	}
	defer rows.Close()
	for rows.Next() {
		var value T
		if err := rows.Scan(&value); err != nil {
			return nil, s.wrap("read", err)
		}
		all = append(all, value)
	}
	return all, s.wrap("read", rows.Err())
}

// Page returns rows of a table in the order of its key: at most max of those after a key, nil for the first ones. Nobody may
// write meanwhile.
func (s *Store) Page(ctx context.Context, t ledger.Table, after []any, max int) (page [][]any, err error) {
	key := strings.Join(t.Key, ", ")
	where := ""
	if after != nil {
		where = fmt.Sprintf("WHERE (%s) > (%s)", key, strings.TrimSuffix(strings.Repeat("?, ", len(t.Key)), ", "))
	}
	rows, err := s.read.QueryContext(ctx, fmt.Sprintf(`SELECT %s FROM %s %s ORDER BY %s LIMIT %d`, strings.Join(t.Columns, ", "), t.Name, where, key, max), after...)
	if err != nil {
		return nil, s.wrap("read", err)
	}
	defer rows.Close()
	for rows.Next() {
		row, to := make([]any, len(t.Columns)), make([]any, len(t.Columns))
		for i := range row {
			to[i] = &row[i]
		}
		if err := rows.Scan(to...); err != nil {
			return nil, s.wrap("read", err)
		}
		page = append(page, row)
	}
	return page, s.wrap("read", rows.Err())
}
