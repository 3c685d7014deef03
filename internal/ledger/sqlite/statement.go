package sqlite

import (
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/ncruces/go-sqlite3"

	"github.com/claygate/claygate/internal/ledger"
)

// statement is a prepared statement of the writer. It speaks to SQLite itself: database/sql would be a third of what a
// statement costs.
type statement struct{ *sqlite3.Stmt }

// exec runs the statement to its end.
func (s statement) exec(args []any) error {
	if err := s.bind(args); err != nil {
		return err
	}
	return s.Exec()
}

func (s statement) bind(args []any) error {
	for i, arg := range args {
		if err := s.bindOne(i+1, arg); err != nil {
			return err
		}
	}
	return nil
}

func (s statement) bindOne(n int, arg any) error {
	switch a := arg.(type) {
	case nil:
		return s.BindNull(n)
	case []byte:
		return s.BindBlob(n, a)
	case int64:
		return s.BindInt64(n, a)
	case int:
		return s.BindInt(n, a)
	case string:
		return s.BindText(n, a)
	case bool:
		return s.BindBool(n, a)
	case float64:
		return s.BindFloat(n, a)
	}
	return fmt.Errorf("no statement takes a %T", arg)
}

// Scan implements scanner for the row that the statement stands at. Blobs are copied; NULL is the zero value.
func (s statement) Scan(dest ...any) error {
	for i, d := range dest {
		if err := s.column(i, d); err != nil {
			return err
		}
	}
	return s.Err()
}

func (s statement) column(n int, dest any) error {
	switch d := dest.(type) {
	case *[]byte:
		*d = s.ColumnBlob(n, nil)
	case *json.RawMessage:
		*d = s.ColumnBlob(n, nil)
	case *int64:
		*d = s.ColumnInt64(n)
	case *int:
		*d = s.ColumnInt(n)
	case *bool:
		*d = s.ColumnInt64(n) != 0
	case *float64:
		*d = s.ColumnFloat(n)
	case *string:
		*d = s.ColumnText(n)
	case *sql.NullInt64:
		*d = sql.NullInt64{Int64: s.ColumnInt64(n), Valid: s.ColumnType(n) != sqlite3.NULL}
	case *ledger.State:
		*d = ledger.State(s.ColumnText(n))
	case *ledger.Verdict:
		*d = ledger.Verdict(s.ColumnText(n))
	case *ledger.RunID:
		*d = ledger.RunID(s.ColumnInt64(n))
	case *ledger.RunState:
		*d = ledger.RunState(s.ColumnText(n))
	case *ledger.RunKind:
		*d = ledger.RunKind(s.ColumnText(n))
	case *ledger.LaneID:
		*d = ledger.LaneID(s.ColumnText(n))
	case *ledger.LoadID:
		*d = ledger.LoadID(s.ColumnInt64(n))
	default:
		return fmt.Errorf("no column is read as a %T", dest)
	}
	return nil
}
