package postgres

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/claygate/claygate/internal/ledger"
)

type commandTag = pgconn.CommandTag

// errSlow is why a wait for the database ended.
var errSlow = errors.New("the database did not answer in time")

// connectionError says that no connection could be made.
type connectionError struct{ err error }

func (e *connectionError) Error() string { return e.err.Error() }
func (e *connectionError) Unwrap() error { return e.err }

// code returns the SQLSTATE of an error, "" when it is not the server's.
func code(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// lost reports whether the connection to the database was lost, or is worth nothing any more: the server stopped, or it has
// become one that only reads.
func lost(err error) bool {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Severity == "FATAL" || e.Severity == "PANIC" || strings.HasPrefix(e.Code, "57P") || strings.HasPrefix(e.Code, "08") ||
			e.Code == "25006" // read_only_sql_transaction
	}
	_, network := errors.AsType[net.Error](err)
	_, connecting := errors.AsType[*connectionError](err)
	_, refused := errors.AsType[*pgconn.ConnectError](err)
	return network || connecting || refused || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, errSlow) || pgconn.Timeout(err) || errors.Is(err, context.DeadlineExceeded) || closedConn(err)
}

// closedConn tells what pgx says of a connection that it closed before, for which it has no error to be told by.
func closedConn(err error) bool {
	return pgconn.SafeToRetry(err)
}

// collision reports whether a transaction may succeed when it is run again: it waited in a circle, or what it looked for was
// added by another one meanwhile.
func collision(err error) bool {
	switch code(err) {
	case "40001", "40P01", "23505": // serialization_failure, deadlock_detected, unique_violation
		return true
	}
	return false
}

// What a server says of prepared statements that were another session's: a pooler hands each transaction to any session.
const (
	noStatement  = "26000" // invalid_sql_statement_name
	hasStatement = "42P05" // duplicate_prepared_statement
)

// stuck reports whether the database is in no state to do anything soon: no call of a transaction is at fault, and each of
// them alone would wait as long again.
func stuck(err error) bool {
	switch c := code(err); c {
	case "55P03", "57014", noStatement, hasStatement: // lock_not_available, query_canceled
		return true
	default:
		return strings.HasPrefix(c, "53") || errors.Is(err, errNotSynchronous) // insufficient_resources
	}
}

// refusal reports whether an error is the domain's and not the database's.
func refusal(err error) bool {
	_, ok := errors.AsType[*ledger.Error](err)
	return ok
}

// wrap makes an error of this package a [*ledger.Error] of the right kind. A context's error stays what it is.
func wrap(op string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	if e, ok := errors.AsType[*ledger.Error](err); ok {
		return e
	}
	if lost(err) {
		if errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, errSlow) && code(err) == "" {
			if _, connecting := errors.AsType[*connectionError](err); !connecting {
				return err
			}
		}
		return &ledger.Error{
			Kind: ledger.Busy, Op: op, Message: "the database cannot be reached",
			Hint: "check that it runs and that the network lets this machine through: it goes on by itself", Err: err,
		}
	}
	switch code(err) {
	case "53100": // disk_full
		return &ledger.Error{
			Kind: ledger.Full, Op: op, Message: "no space is left for the database",
			Hint: "free some space on its disk: it goes on by itself, and what was accepted is safe", Err: err,
		}
	case "40001", "40P01", "23505", "55P03", "57014", "53200", "53300":
		return &ledger.Error{Kind: ledger.Busy, Op: op, Message: "the database is busy", Hint: "try again", Err: err}
	case noStatement, hasStatement:
		return &ledger.Error{
			Kind: ledger.Unavailable, Op: op, Message: "a pooler hands every transaction to another session of the database",
			Hint: "add default_query_exec_mode=exec to the ledger's address, or have the pooler keep sessions together (pool_mode = session)", Err: err,
		}
	case "42501": // insufficient_privilege
		return &ledger.Error{
			Kind: ledger.Unavailable, Op: op, Message: "the database does not allow what the ledger needs",
			Hint: "grant its role SELECT, INSERT, UPDATE and DELETE on the ledger's tables, and CREATE on their schema for upgrades", Err: err,
		}
	}
	if errors.Is(err, errNotSynchronous) {
		return &ledger.Error{
			Kind: ledger.Unavailable, Op: op, Message: "the database commits without waiting for its disk (synchronous_commit is off)",
			Hint: "set synchronous_commit to on for this role and database: an accepted record must survive a power cut",
		}
	}
	return &ledger.Error{Kind: ledger.Internal, Op: op, Message: "the ledger failed", Err: err}
}
