package forward

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/claygate/claygate/internal/ledger"
)

// row is what one message is in a table.
type row struct {
	place    int // of the message in its batch
	record   string
	revision int
	values   []*string // of the columns, as PostgreSQL reads them; nil for NULL
}

// row evaluates what a message is in the table.
func (t *table) row(m message, s shape) (row, ledger.DeliveryAnswer) {
	r := row{record: m.record.ID.String(), revision: m.record.Revision, values: make([]*string, len(t.names))}
	for i, name := range t.names {
		value, err := t.Columns[name].Of(m.inputs)
		if err == nil {
			r.values[i], err = written(value, s[name])
		}
		if err != nil {
			return r, unsuitable("columns."+name, err)
		}
		if v := r.values[i]; (v == nil || *v == "") && slices.Contains(t.Key, name) { // NULL would be another row each time
			return r, ledger.DeliveryAnswer{Outcome: ledger.Undelivered, Reason: "its key column " + name + " would be empty"}
		}
	}
	return r, ledger.DeliveryAnswer{}
}

// written returns a value as PostgreSQL reads it for a column, nil for NULL. Clay writes "" for what it did not find, which
// no column takes but one of texts.
func written(value any, c columnType) (*string, error) {
	switch v := value.(type) {
	case nil:
		return nil, nil
	case string:
		if v == "" && !c.text {
			return nil, nil
		}
		if !c.json {
			return &v, nil
		}
	case float64:
		if math.IsInf(v, 0) || math.IsNaN(v) {
			return nil, fmt.Errorf("it comes to a number that is too large")
		}
		text := strconv.FormatFloat(v, 'g', -1, 64)
		return &text, nil
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return nil, err
	}
	text := strings.TrimSuffix(out.String(), "\n")
	return &text, nil
}

// upsert writes rows in one statement.
func (t *table) upsert(ctx context.Context, s shape, rows []row) error {
	ctx, cancel := context.WithTimeout(ctx, t.Timeout)
	defer cancel()
	pool, err := t.connections()
	if err != nil {
		return err
	}
	statement, args := t.statement(s), arguments(rows)
	for range reruns {
		if _, err = pool.Exec(ctx, statement, args...); !collided(err) {
			return err
		}
	}
	return err
}

// reruns is how often a statement is tried that collides with another.
const reruns = 4

// arguments returns rows as columns: a list for each.
func arguments(rows []row) []any {
	records, revisions := make([]string, len(rows)), make([]int32, len(rows))
	columns := make([][]*string, len(rows[0].values))
	for i, r := range rows {
		records[i], revisions[i] = r.record, int32(r.revision)
		for j, value := range r.values {
			columns[j] = append(columns[j], value)
		}
	}
	args := []any{records, revisions}
	for _, c := range columns {
		args = append(args, c)
	}
	return args
}

// statement writes rows that come as lists of texts, which the database reads as the types of its columns. Of those with one
// key it takes the newest, and leaves a row alone that is newer: of two records the later, of one record the higher
// revision. The same one again is written again.
func (t *table) statement(s shape) string {
	var lists, parts, casts, updates, keys []string
	for i, name := range t.names {
		lists = append(lists, fmt.Sprintf("$%d::text[]", i+3))
		parts = append(parts, fmt.Sprintf("c%d", i))
		casts = append(casts, fmt.Sprintf("c%d::%s", i, s[name].name))
		if quoted := list([]string{name}); !slices.Contains(t.Key, name) {
			updates = append(updates, fmt.Sprintf("%s = EXCLUDED.%[1]s", quoted))
		}
	}
	for i := range t.key() { // the columns of the key come first, or the record does
		keys = append(keys, strconv.Itoa(i+1))
	}
	columns := append(slices.Clone(t.names), RecordColumn, RevisionColumn)
	casts = append(casts, `record COLLATE "C"`, "revision")
	if len(t.Key) == 0 {
		keys = []string{strconv.Itoa(len(casts) - 1)}
	}
	order := strings.Join(keys, ", ")
	return fmt.Sprintf(`INSERT INTO %s AS t (%s)
SELECT DISTINCT ON (%s) %s
FROM unnest($1::text[], $2::integer[], %s) AS u(record, revision, %s)
ORDER BY %s, record COLLATE "C" DESC, revision DESC
ON CONFLICT (%s) DO UPDATE SET %s
WHERE t.claygate_record IS NULL OR t.claygate_revision IS NULL
	OR (t.claygate_record COLLATE "C", t.claygate_revision) <= (EXCLUDED.claygate_record COLLATE "C", EXCLUDED.claygate_revision)`,
		t.quoted(), list(columns), order, strings.Join(casts, ", "), strings.Join(lists, ", "), strings.Join(parts, ", "), order, list(t.key()),
		strings.Join(append(updates, "claygate_record = EXCLUDED.claygate_record", "claygate_revision = EXCLUDED.claygate_revision"), ", "))
}
