package forward

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/claygate/claygate/internal/ledger"
)

// stateOf returns the SQLSTATE of an error, "" for one that the database did not make. What it wrote beside it is never
// shown: it quotes values.
func stateOf(err error) string {
	if said, ok := errors.AsType[*pgconn.PgError](err); ok {
		return said.Code
	}
	return ""
}

// collided reports whether a statement got in another's way, and goes through when it is run again.
func collided(err error) bool {
	state := stateOf(err)
	return state == "40001" || state == "40P01" // serialization failure, deadlock
}

// aboutRows reports whether an error speaks of what was written, and not of the table or the database: bad values,
// constraints, two rows of one key, what a trigger refuses, rows that are too large.
func aboutRows(err error) bool {
	state := stateOf(err)
	switch {
	case strings.HasPrefix(state, "22"), strings.HasPrefix(state, "23"), strings.HasPrefix(state, "44"), strings.HasPrefix(state, "54"):
		return true
	}
	return state == "21000" || state == "P0001"
}

// unsuitable says why the database does not take a row: it is given up until a person asks for it again. One that refers to
// a row that is not there may only be early.
func (t *table) unsuitable(ctx context.Context, s shape, r row, err error) ledger.DeliveryAnswer {
	a := ledger.DeliveryAnswer{Outcome: ledger.Undelivered}
	said, _ := errors.AsType[*pgconn.PgError](err)
	switch {
	case said.Code == "23502":
		a.Reason = fmt.Sprintf("the column %s must not be empty", said.ColumnName)
	case said.Code == "23503":
		a.Outcome, a.Reason = ledger.NotTaken, fmt.Sprintf("the constraint %s refers to a row that is not there", said.ConstraintName)
	case said.ConstraintName != "":
		a.Reason = fmt.Sprintf("the constraint %s does not take it", said.ConstraintName)
	case said.Code == "P0001":
		a.Reason = "a trigger of the table does not take it"
	default:
		a.Reason = t.culprit(ctx, s, r)
	}
	a.Reason += " (SQLSTATE " + said.Code + ")"
	return a
}

// culprit names the column that does not take its value, by asking for each alone.
func (t *table) culprit(ctx context.Context, s shape, r row) string {
	ctx, cancel := context.WithTimeout(ctx, t.Timeout)
	defer cancel()
	pool, err := t.connections()
	for i, name := range t.names {
		if err != nil {
			break
		}
		if _, bad := pool.Exec(ctx, "SELECT $1::text::"+s[name].name, r.values[i]); stateOf(bad) != "" {
			return fmt.Sprintf("the column %s, %s, does not take its value", name, s[name].name)
		}
	}
	return "the table does not take its values"
}

// refused says what an error means that is not about a row: the table or the database must be mended, and everything waits.
func (t *table) refused(err error) ledger.DeliveryAnswer {
	a := ledger.DeliveryAnswer{Outcome: ledger.Unreachable}
	gone, isMissing := errors.AsType[missing](err)
	state := stateOf(err)
	switch {
	case isMissing && t.Create:
		a.Reason = gone.Error()
	case isMissing:
		a.Reason = gone.Error() + ": make it, or set create: true"
	case errors.Is(err, errGuarded):
		a.Reason = guardedReason
	case state != "":
		a.Reason = reasons[state]
		if a.Reason == "" {
			a.Reason = reasons[state[:2]]
		}
		if a.Reason == "" {
			a.Reason = "the database does not do it"
		}
		a.Reason += " (SQLSTATE " + state + ")"
	case errors.Is(err, context.DeadlineExceeded):
		a.Reason = fmt.Sprintf("no answer within %s", t.Timeout)
	default:
		a.Reason = "no answer: " + causeOf(err)
	}
	return a
}

// reasons are what SQLSTATEs, or classes of them, mean here.
var reasons = map[string]string{
	"25006": "the database is read-only: is it a standby?",
	"28":    "the database does not take its user or its password",
	"3D000": "there is no such database",
	"3F000": "there is no such schema",
	"42501": "its user has not the rights: it needs INSERT, SELECT and UPDATE on the table, and CREATE on the schema where the table is to be made",
	"42P10": "the table has no unique index on exactly the key's columns",
	"42703": "the table lacks a column",
	"428C9": "a column is generated: leave it out of columns",
	"53":    "the database has no connections, memory or disk left",
	"57":    "the database is stopping, starting, or ended the statement",
	"0A000": "the database is of a kind that does not do this",
}
