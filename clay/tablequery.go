package clay

// TableQuery is a structured query over Clay's tables, with the limits that Clay sets:
// 5 tables, 4 joins, 20 selected fields, 5 groups, 3 orders (docs/clay.md). Clay itself
// says what it does not take, with KindInvalid. Empty parts are not sent.
type TableQuery struct {
	// Tables are those to read, the first one being where a scan begins. At least one.
	Tables []TableRef `json:"tables"`
	// Select names the fields to return. Default: all.
	Select []SelectField `json:"select,omitempty"`
	// Filter leaves out rows. Default: none.
	Filter *TableFilter `json:"filter,omitempty"`
	// Joins add other tables' rows.
	Joins []TableJoin `json:"join,omitempty"`
	// GroupBy names fields, for queries that select aggregates.
	GroupBy []string `json:"group_by,omitempty"`
	// OrderBy sorts. Such a query has one page only.
	OrderBy []TableOrder `json:"order_by,omitempty"`
	// FieldMode says by what fields are named: "names" or "ids". Default: Clay's.
	FieldMode string `json:"field_mode,omitempty"`
}

// TableRef names a table.
type TableRef struct {
	ID    string `json:"id"`              // t_…
	Alias string `json:"alias,omitempty"` // by which other parts may name it
}

// SelectField is a field to return, or an aggregate of one when Fn is set.
type SelectField struct {
	Field string   `json:"field"`           // its name or id
	Table string   `json:"table,omitempty"` // when there are several
	Path  []string `json:"path,omitempty"`  // into the field's value, at most 5 steps
	As    string   `json:"as,omitempty"`    // the name in the result; needed with Fn
	Fn    string   `json:"fn,omitempty"`    // count, sum, avg, max or min
}

// TableFilter is either a comparison (Field, Op and mostly Value) or one of And, Or and
// Not.
type TableFilter struct {
	Field string        `json:"field,omitempty"` // what is compared
	Path  []string      `json:"path,omitempty"`  // into the field's value
	Op    string        `json:"op,omitempty"`    // = != > >= < <= contains not_contains starts_with ends_with in not_in is_empty is_not_empty
	Value any           `json:"value,omitempty"` // a string, number, boolean or list of them
	And   []TableFilter `json:"and,omitempty"`   // all of 1 to 10
	Or    []TableFilter `json:"or,omitempty"`    // any of 1 to 10
	Not   *TableFilter  `json:"not,omitempty"`   // the opposite
}

// TableJoin adds the rows of another table where two fields are equal.
type TableJoin struct {
	Table string `json:"table"`          // its id or alias
	Type  string `json:"type,omitempty"` // inner (the default) or left
	On    JoinOn `json:"on"`             // the fields
}

// JoinOn are the two fields of a join.
type JoinOn struct {
	Left  string `json:"left"`  // of the tables before
	Right string `json:"right"` // of the joined one
}

// TableOrder sorts by a field.
type TableOrder struct {
	Field     string `json:"field"`               // its name or id
	Direction string `json:"direction,omitempty"` // asc (the default) or desc
}
