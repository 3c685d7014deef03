package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/claygate/claygate/internal/ledger"
)

// List implements [ledger.Lister].
func (s *Store) List(ctx context.Context, q ledger.Query) ([]ledger.Record, error) {
	query, args := listing(q)
	records, err := read(ctx, s, query, args, s.scanRecord(q.Bodies))
	return records, s.wrap("list", err)
}

// sources returns the shortest way to all the records that a query may mean, by their indices.
func sources(q ledger.Query) []string {
	if q.Key.IsZero() {
		return []string{`SELECT r.* FROM records r WHERE TRUE`}
	}
	return []string{
		`SELECT r.* FROM records r WHERE r.key = $1 AND NOT r.owns`,
		`SELECT r.* FROM keys k JOIN records r ON r.id = k.record WHERE k.key = $1`,
	}
}

// listing returns the statement that answers a query.
func listing(q ledger.Query) (query string, args []any) {
	if !q.Key.IsZero() {
		args = append(args, uuid(q.Key))
	}
	where, args := conditions(q, args)
	args = append(args, max(q.Max, 1))
	var selects []string
	for _, source := range sources(q) {
		selects = append(selects, fmt.Sprintf(`(%s%s ORDER BY r.id DESC LIMIT $%d)`, source, where, len(args)))
	}
	columns, tables := recordColumns, ``
	if q.Bodies {
		columns, tables = recordColumns+`, `+bodyColumns, bodyTables
	}
	return fmt.Sprintf(`SELECT %s FROM (%s) r%s ORDER BY r.id DESC LIMIT $%d`, columns, strings.Join(selects, ` UNION ALL `), tables, len(args)), args
}

// trouble lists the states that the index records_trouble holds. A query must say so in the index's own words to be
// answered from it.
var trouble = []ledger.State{ledger.Uncertain, ledger.Dead, ledger.Expired, ledger.Canceled}

const troubled = ` AND (r.state = 'uncertain' OR r.state = 'dead' OR r.state = 'expired' OR r.state = 'canceled')`

// conditions returns what a query asks for, to follow a WHERE clause, and its arguments.
func conditions(q ledger.Query, args []any) (string, []any) {
	where := ``
	add := func(condition string, arg any) {
		args = append(args, arg)
		where += fmt.Sprintf(` AND `+condition, len(args))
	}
	if q.Target != "" {
		add(`r.target = $%d`, text(q.Target))
	}
	if len(q.States) > 0 {
		states := make([]string, len(q.States))
		for i, state := range q.States {
			states[i] = string(state)
		}
		add(`r.state = ANY($%d)`, states)
		if !slices.ContainsFunc(q.States, func(s ledger.State) bool { return !slices.Contains(trouble, s) }) {
			where += troubled
		}
	}
	if !q.Before.IsZero() {
		add(`r.id < $%d`, idOf(q.Before))
	}
	return where, args
}
