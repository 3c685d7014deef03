package postgres

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/claygate/claygate/internal/ledger"
)

// mutable are the columns of a record that change, after the one that names it.
var mutable = []column[*row]{
	col("id", "uuid", func(r *row) pgtype.UUID { return idOf(r.ID) }),
	col("state", "text", func(r *row) string { return string(r.State) }),
	col("priority", "bigint", func(r *row) int64 { return int64(r.Priority) }),
	col("wanted_by", "bigint", func(r *row) int64 { return int64(r.wantedBy) }),
	col("owns", "boolean", func(r *row) bool { return r.owns }),
	col("attempts", "bigint", func(r *row) int64 { return int64(r.Attempts) }),
	col("tries", "bigint", func(r *row) int64 { return int64(r.Tries) }),
	col("resends", "bigint", func(r *row) int64 { return int64(r.Resends) }),
	col("run_limit", "bigint", func(r *row) int64 { return int64(r.RunLimit) }),
	col("at_clay", "boolean", func(r *row) bool { return r.AtClay }),
	col("may_duplicate", "bigint", func(r *row) int64 { return int64(r.MayDuplicate) }),
	col("leader", "uuid", func(r *row) pgtype.UUID { return uuid(ledger.Digest(r.Leader)) }),
	col("revision", "bigint", func(r *row) int64 { return int64(r.Revision) }),
	col("cached", "boolean", func(r *row) bool { return r.Cached }),
	col("empty", "boolean", func(r *row) bool { return r.Empty }),
	col("emulated", "boolean", func(r *row) bool { return r.Emulated }),
	col("erased", "boolean", func(r *row) bool { return r.Erased }),
	col("reason", "text", func(r *row) string { return text(r.Reason) }),
	col("callback_url", "text", func(r *row) string { return text(r.CallbackURL) }),
	col("spent", "bigint", func(r *row) int64 { return r.Spent.Records }),
	col("actions", "bigint", func(r *row) int64 { return int64(r.Spent.Actions) }),
	col("credits", "bigint", func(r *row) int64 { return int64(r.Spent.Credits) }),
	col("send_by", "bigint", func(r *row) pgtype.Int8 { return r.sendBy }),
	col("ready_at", "bigint", func(r *row) int64 { return r.readyAt }),
	col("due_at", "bigint", func(r *row) pgtype.Int8 { return r.dueAt }),
	col("sent_at", "bigint", func(r *row) pgtype.Int8 { return r.sentAt }),
	col("done_at", "bigint", func(r *row) pgtype.Int8 { return r.doneAt }),
	col("ended_at", "bigint", func(r *row) pgtype.Int8 { return r.endedAt }),
}

// all are the columns of a record.
var all = append(slices.Clip(mutable),
	col("target", "text", func(r *row) string { return text(r.Target) }),
	col("load", "bigint", func(r *row) int64 { return int64(r.Load) }),
	col("work", "uuid", func(r *row) pgtype.UUID { return uuid(r.work) }),
	col("key", "uuid", func(r *row) pgtype.UUID { return uuid(r.Key) }),
	col("await", "boolean", func(r *row) bool { return r.Await }),
	col("result_timeout", "bigint", func(r *row) int64 { return r.ResultTimeout.Microseconds() }),
	col("api_key", "text", func(r *row) string { return text(r.APIKey) }),
	col("created_at", "bigint", func(r *row) int64 { return r.created }),
)

var bodies = []column[*row]{
	col("record", "uuid", func(r *row) pgtype.UUID { return idOf(r.ID) }),
	col("fields", "bytea", func(r *row) []byte { return r.Fields }),
	col("metadata", "bytea", func(r *row) []byte { return r.Metadata }),
}

var results = []column[*row]{
	col("record", "uuid", func(r *row) pgtype.UUID { return idOf(r.ID) }),
	col("result", "bytea", func(r *row) []byte { return r.Result }),
}

var (
	insertRecords = insertInto("records", all)
	updateRecords = updateOf("records", mutable, 1)
	insertBodies  = insertInto("bodies", bodies)
	upsertResults = insertInto("results", results) + ` ON CONFLICT (record) DO UPDATE SET result = excluded.result`
)

// writeRecords writes the records that changed, and the keys whose owners did.
func (t *tx) writeRecords(b *pgx.Batch) {
	var fresh, changed, came []*row
	for _, r := range t.records {
		switch {
		case r.fresh:
			fresh = append(fresh, r)
		case r.dirty:
			changed = append(changed, r)
		}
		if r.result {
			came = append(came, r)
		}
		r.fresh, r.dirty, r.result = false, false, false
	}
	for _, rows := range [][]*row{fresh, changed, came} { // in one order, as the pages of the tables and their indices like it
		slices.SortFunc(rows, func(a, b *row) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	}
	t.writeKeys(b)
	put(b, insertRecords, all, fresh)
	put(b, insertBodies, bodies, fresh)
	put(b, updateRecords, mutable, changed)
	put(b, upsertResults, results, came)
}

// put adds a statement for some rows, if there are any.
func put[T any](b *pgx.Batch, statement string, columns []column[T], rows []T) {
	if len(rows) > 0 {
		b.Queue(statement, arrays(columns, rows)...)
	}
}

func compare2(a1, b1, a2, b2 string) int { return cmp.Or(cmp.Compare(a1, b1), cmp.Compare(a2, b2)) }
