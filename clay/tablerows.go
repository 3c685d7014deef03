package clay

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
)

// MaxQueryPage is the largest page of a table query.
const MaxQueryPage = 100

// TableRow is a row, by the names that the query gives its fields.
type TableRow map[string]Cell

// The statuses of a cell that Clay documents, besides those of Cell.Pending.
const (
	CellSuccess = "success" // there is a value
	CellError   = "error"   // the column failed for this row
	CellEmpty   = "empty"   // the column has not run, or found nothing
)

// pendingCells are the statuses of a cell that is yet to come.
var pendingCells = []string{"running", "queued", "retry", "rate_limited", "awaiting_callback"}

// Cell is what a query says about one cell.
type Cell struct {
	// Status is one of the Cell constants, a pending one, or what else Clay says.
	Status string `json:"status"`
	// Value is the cell's JSON value when Status is CellSuccess.
	Value json.RawMessage `json:"value,omitempty"`
	// Fields are the parts of a value that has some, by name; nil otherwise.
	Fields map[string]json.RawMessage `json:"fields,omitempty"`
	// Stale says that the value is older than what it was made from.
	Stale bool `json:"is_stale,omitempty"`
	// Error is what Clay says about a cell of CellError; may be empty.
	Error string `json:"error,omitempty"`
}

// Pending reports whether the cell's value is yet to come.
func (c Cell) Pending() bool { return slices.Contains(pendingCells, c.Status) }

// Decode reads the value into v as Unmarshal does. A cell without a value leaves v as
// it is and is no error.
func (c Cell) Decode(v any) error {
	if len(c.Value) == 0 {
		return nil
	}
	return Unmarshal(c.Value, v)
}

// TableField describes a field of the rows.
type TableField struct {
	ID   string `json:"id"`   // f_…
	Name string `json:"name"` // as Clay shows it
	Type string `json:"type"` // in Clay's words
}

// TablePage is one page of a query.
type TablePage struct {
	// Rows are at most MaxQueryPage. A row that was updated meanwhile may have been
	// on an earlier page, too.
	Rows []TableRow `json:"data"`
	// Fields describes them, by the names in Rows; may be nil.
	Fields map[string]TableField `json:"fields"`
	// Cursor asks for the next page; empty on the last one.
	Cursor string `json:"cursor"`
}

// QueryOptions say how to read the rows.
type QueryOptions struct {
	// PageSize is how many rows are asked for at a time. Default and at most MaxQueryPage.
	PageSize int
	// Cursor is where to begin, from TablePage.Cursor. Default: the beginning.
	Cursor string
	// IDField is the field that tells rows apart: of those with the same value only
	// the first is yielded. Default "id", in queries without joins and groups;
	// where a row has no value there, nothing is left out.
	IDField string
	// KeepRepeats yields also the rows that come again, then with fresher values.
	KeepRepeats bool
}

const opQuery = "query tables"

// QueryPage asks for one page of a query, with all its rows. It needs the Enterprise
// plan (else KindForbidden), makes no row and is tried again after any failure that may
// pass.
func (c *Client) QueryPage(ctx context.Context, q TableQuery, opts QueryOptions) (TablePage, error) {
	switch size := opts.PageSize; {
	case len(q.Tables) == 0:
		return TablePage{}, refused(opQuery, KindInvalid, "set TableQuery.Tables", errors.New("the query names no table"))
	case size < 0 || size > MaxQueryPage:
		return TablePage{}, refused(opQuery, KindInvalid, "use 0 for the default", fmt.Errorf("a page has 1 to %d rows, not %d", MaxQueryPage, size))
	}
	out, a, err := ask[struct {
		TablePage
		Data *[]TableRow `json:"data"`
	}](ctx, c, call{
		op: opQuery, method: http.MethodPost, path: []string{"tables", "query"}, repeatable: rereads,
		body: struct {
			Query  TableQuery `json:"query"`
			Limit  int        `json:"limit"`
			Cursor string     `json:"cursor,omitempty"`
		}{q, cmp.Or(opts.PageSize, MaxQueryPage), opts.Cursor},
		hints: map[Kind]string{
			KindForbidden: "table queries need the Enterprise plan",
			KindNotFound:  "the workspace of this key has no such table; its id looks like t_…",
		},
	})
	if err != nil {
		return TablePage{}, err
	}
	if out.Data == nil {
		return TablePage{}, incomplete(opQuery, a, "it holds no data")
	}
	out.Rows = *out.Data
	return out.TablePage, nil
}

// Query yields the rows of a query, over all its pages. Clay reads the least recently
// updated rows first and a row that is updated meanwhile comes again; such repeats are
// left out (QueryOptions.KeepRepeats), which keeps 16 bytes a row in memory. It ends
// with the first error.
func (c *Client) Query(ctx context.Context, q TableQuery, opts QueryOptions) iter.Seq2[TableRow, error] {
	return func(yield func(TableRow, error) bool) {
		repeats := newRepeats(q, opts)
		opts := opts // each use begins at the same place
		cursors := map[string]bool{opts.Cursor: true}
		for {
			page, err := c.QueryPage(ctx, q, opts)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, row := range page.Rows {
				if !repeats.has(row) && !yield(row, nil) {
					return
				}
			}
			if opts.Cursor = page.Cursor; opts.Cursor == "" {
				return
			}
			if cursors[opts.Cursor] { // or it would go on for ever
				yield(nil, incomplete(opQuery, answer{status: http.StatusOK}, "its pages go round in a circle"))
				return
			}
			cursors[opts.Cursor] = true
		}
	}
}
