package postgres

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/claygate/claygate/internal/ledger"
)

// webhookUse reads what is known of a target's webhooks. Whoever claims for it has its lane: nobody else adds to them.
func (t *tx) webhookUse(target ledger.Target) (map[ledger.Digest]ledger.WebhookUse, error) {
	used := map[ledger.Digest]ledger.WebhookUse{}
	ids := make([]ledger.Digest, len(target.Webhooks))
	for i, w := range target.Webhooks {
		ids[i] = w.ID
		used[w.ID] = ledger.WebhookUse{Submissions: t.used[w.ID]}
	}
	if len(ids) == 0 {
		return used, nil
	}
	err := t.look(`SELECT id, submissions, exhausted_at IS NOT NULL FROM webhooks WHERE id = ANY($1)`, []any{uuids(ids)},
		func(row pgx.Rows) error {
			var id ledger.Digest
			var use ledger.WebhookUse
			err := row.Scan((*[16]byte)(&id), &use.Submissions, &use.Exhausted)
			use.Submissions += t.used[id]
			used[id] = use
			return err
		})
	return used, err
}

// use counts n submissions of a webhook; a negative n takes back what surely did not arrive.
func (t *tx) use(webhook ledger.Digest, n int) {
	if !webhook.IsZero() && n != 0 {
		t.used[webhook] += n
	}
}

func (t *tx) exhaust(webhook ledger.Digest) error {
	_, err := t.exec(`UPDATE webhooks SET exhausted_at = $1 WHERE id = $2`, micros(t.now), uuid(webhook))
	return err
}

type webhookRow struct {
	id  ledger.Digest
	n   int64
	now int64
}

var webhookColumns = []column[webhookRow]{
	col("id", "uuid", func(w webhookRow) pgtype.UUID { return uuid(w.id) }),
	col("submissions", "bigint", func(w webhookRow) int64 { return w.n }),
	col("first_at", "bigint", func(w webhookRow) int64 { return w.now }),
	col("second_at", "bigint", func(w webhookRow) int64 { return w.now }),
}

// addToWebhooks adds to what webhooks took. When the second of a webhook's two moments is long ago it becomes the first.
var addToWebhooks = insertInto("webhooks", webhookColumns) + ` ON CONFLICT (id) DO UPDATE SET
	submissions = webhooks.submissions + excluded.submissions` + strings.NewReplacer("OLD",
	fmt.Sprintf("webhooks.second_at <= excluded.second_at - %d", ledger.FlowSpan.Microseconds())).Replace(`,
	first_at = CASE WHEN OLD THEN webhooks.second_at ELSE webhooks.first_at END,
	first = CASE WHEN OLD THEN webhooks.second ELSE webhooks.first END,
	second = CASE WHEN OLD THEN webhooks.submissions ELSE webhooks.second END,
	second_at = CASE WHEN OLD THEN excluded.second_at ELSE webhooks.second_at END`)

func (t *tx) writeWebhooks(b *pgx.Batch) {
	var rows []webhookRow
	for _, id := range slices.SortedFunc(maps.Keys(t.used), func(a, b ledger.Digest) int { return bytes.Compare(a[:], b[:]) }) {
		if n := t.used[id]; n != 0 {
			rows = append(rows, webhookRow{id, int64(n), micros(t.now)})
		}
	}
	put(b, addToWebhooks, webhookColumns, rows)
	clear(t.used)
}

// Flows implements [ledger.Flows].
func (s *Store) Flows(ctx context.Context, webhooks []ledger.Digest) (map[ledger.Digest]ledger.Flow, error) {
	flows := make(map[ledger.Digest]ledger.Flow, len(webhooks))
	for _, id := range webhooks {
		flows[id] = ledger.Flow{}
	}
	if len(webhooks) == 0 {
		return flows, nil
	}
	now := s.now()
	_, err := read(ctx, s, `SELECT id, submissions, exhausted_at IS NOT NULL, first_at, submissions - first FROM webhooks WHERE id = ANY($1)`,
		[]any{uuids(webhooks)}, func(row pgx.Rows) (f ledger.Flow, err error) {
			var id ledger.Digest
			var since int64
			err = row.Scan((*[16]byte)(&id), &f.Submissions, &f.Exhausted, &since, &f.Taken)
			f.Span = max(now.Sub(unixMicro(since)), 0)
			flows[id] = f
			return f, err
		})
	return flows, s.wrap("read", err)
}
