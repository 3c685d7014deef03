package sqlite

import (
	"context"
	"slices"
	"strings"

	"github.com/claygate/claygate/internal/ledger"
)

// List implements [ledger.Lister].
func (s *Store) List(ctx context.Context, q ledger.Query) ([]ledger.Record, error) {
	columns, from := recordColumns, ` FROM records r`
	if q.Bodies {
		columns, from = recordColumns+`, `+bodyColumns, ` FROM records r LEFT JOIN bodies b ON b.record = r.id`
	}
	where, args := conditions(q)
	rows, err := s.read.QueryContext(ctx, `SELECT `+columns+from+where+` ORDER BY r.id DESC LIMIT ?`,
		append(args, max(q.Max, 1))...)
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

// trouble lists the states that the index records_trouble holds. A query must say so in the index's own words to be
// answered from it.
var trouble = []ledger.State{ledger.Uncertain, ledger.Dead, ledger.Expired, ledger.Canceled}

// conditions returns the WHERE clause of a query and its arguments.
func conditions(q ledger.Query) (where string, args []any) {
	var all []string
	add := func(condition string, values ...any) {
		all = append(all, condition)
		args = append(args, values...)
	}
	if q.Target != "" {
		add(`r.target = ?`, q.Target)
	}
	if len(q.States) > 0 {
		states := make([]any, len(q.States))
		for i, state := range q.States {
			states[i] = string(state)
		}
		add(`r.state IN (?`+strings.Repeat(`, ?`, len(states)-1)+`)`, states...)
		if !slices.ContainsFunc(q.States, func(s ledger.State) bool { return !slices.Contains(trouble, s) }) {
			add(`(r.state = 'uncertain' OR r.state = 'dead' OR r.state = 'expired' OR r.state = 'canceled')`)
		}
	}
	if !q.Key.IsZero() {
		add(`r.key = ?`, q.Key[:])
	}
	if !q.Before.IsZero() {
		add(`r.id < ?`, q.Before[:])
	}
	if len(all) == 0 {
		return "", nil
	}
	return ` WHERE ` + strings.Join(all, ` AND `), args
}
