package sqlite

import (
	"context"
	"slices"
	"strings"

	"github.com/claygate/claygate/internal/ledger"
)

// List implements [ledger.Lister].
func (s *Store) List(ctx context.Context, q ledger.Query) ([]ledger.Record, error) {
	query, args := listing(q)
	rows, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, s.wrap("list", err)
	}
	defer rows.Close()
	var records []ledger.Record
	for now := s.now(); rows.Next(); {
		r, err := scan(rows, now, q.Bodies)
		if err != nil {
			return nil, s.wrap("list", err)
		}
		records = append(records, r)
	}
	return records, s.wrap("list", rows.Err())
}

// access is a way to some records, by an index, from the newest to the oldest.
type access struct {
	from  string // tables, with records as r
	where string // what the index answers
	args  []any
}

// accesses returns the shortest way to all the records that a query may mean.
func accesses(q ledger.Query) []access {
	switch {
	case !q.Key.IsZero():
		return []access{
			{`records r`, `r.key = ? AND r.owns = 0`, []any{q.Key[:]}},
			{`keys k CROSS JOIN records r ON r.id = k.record`, `k.key = ?`, []any{q.Key[:]}},
		}
	case troubled(q):
		return []access{{`records r`, `(r.state = 'uncertain' OR r.state = 'dead' OR r.state = 'expired' OR r.state = 'canceled')`, nil}}
	case q.Target != "" && q.Before.IsZero():
		return []access{{bySpan, `s.target = ?`, []any{q.Target}}}
	case q.Target != "":
		return []access{{bySpan, `s.target = ? AND s.first < ?`, []any{q.Target, q.Before[:]}}}
	}
	return []access{{`records r`, `TRUE`, nil}}
}

const bySpan = `spans s CROSS JOIN records r ON r.id BETWEEN s.first AND s.last`

// listing returns the statement that answers a query.
func listing(q ledger.Query) (query string, args []any) {
	columns, bodies := recordColumns, ``
	if q.Bodies {
		columns, bodies = recordColumns+`, `+bodyColumns, bodyTables
	}
	where, values := conditions(q)
	var selects []string
	for _, s := range accesses(q) {
		selects = append(selects, `SELECT `+columns+` FROM `+s.from+bodies+` WHERE `+s.where+where)
		args = append(append(args, s.args...), values...)
	}
	order := `r.id DESC`
	if strings.Contains(selects[0], bySpan) {
		order = `s.first DESC, r.id DESC`
	}
	if len(selects) > 1 {
		order = `1 DESC`
	}
	return strings.Join(selects, ` UNION ALL `) + ` ORDER BY ` + order + ` LIMIT ?`, append(args, max(q.Max, 1))
}

// trouble lists the states that the index records_trouble holds. A query must say so in the index's own words to be
// answered from it.
var trouble = []ledger.State{ledger.Uncertain, ledger.Dead, ledger.Expired, ledger.Canceled}

func troubled(q ledger.Query) bool {
	return len(q.States) > 0 && !slices.ContainsFunc(q.States, func(s ledger.State) bool { return !slices.Contains(trouble, s) })
}

// conditions returns what a query asks for, to follow a WHERE clause, and its arguments.
func conditions(q ledger.Query) (where string, args []any) {
	if q.Target != "" {
		where += ` AND r.target = ?`
		args = append(args, q.Target)
	}
	if len(q.States) > 0 {
		where += ` AND r.state IN (?` + strings.Repeat(`, ?`, len(q.States)-1) + `)`
		for _, state := range q.States {
			args = append(args, string(state))
		}
	}
	if !q.Before.IsZero() {
		where += ` AND r.id < ?`
		args = append(args, q.Before[:])
	}
	return where, args
}
