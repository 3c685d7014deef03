package postgres

import (
	"bytes"
	"context"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/claygate/claygate/internal/ledger"
)

func (t *tx) paused(target string) (bool, error) {
	var reason string
	_, err := t.row(`SELECT paused FROM targets WHERE name = $1`, []any{text(target)}, &reason)
	return reason != "", err
}

// pause stops a target's sends; the zero Pause lets them go on. Resuming what was not paused is no news.
func (t *tx) pause(target string, p ledger.Pause) error {
	if paused, err := t.paused(target); err != nil || !paused && p.Reason == "" {
		return err
	}
	_, err := t.exec(`INSERT INTO targets (name, paused, status, paused_at) VALUES ($1, $2, $3, $4) ON CONFLICT (name)
		DO UPDATE SET paused = excluded.paused, status = excluded.status, paused_at = excluded.paused_at`,
		text(target), text(p.Reason), p.Status, micros(t.now))
	if err != nil {
		return err
	}
	if known, ok := t.catalog.Target(target); ok {
		t.publish(known.Lane)
	}
	t.publish(ledger.Pauses)
	kind := ledger.TargetPaused
	if p.Reason == "" {
		kind = ledger.TargetResumed
	}
	t.announce(ledger.Notice{Kind: kind, Target: target, Reason: p.Reason})
	return nil
}

// Pause implements [ledger.Keeper].
func (s *Store) Pause(ctx context.Context, target string, p ledger.Pause) error {
	return s.do(ctx, "pause", func(t *tx) error { return t.pause(target, p) })
}

// Resume implements [ledger.Keeper].
func (s *Store) Resume(ctx context.Context, target string) error {
	return s.do(ctx, "resume", func(t *tx) error { return t.pause(target, ledger.Pause{}) })
}

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
	id ledger.Digest
	n  int64
}

var webhookColumns = []column[webhookRow]{
	col("id", "uuid", func(w webhookRow) pgtype.UUID { return uuid(w.id) }),
	col("submissions", "bigint", func(w webhookRow) int64 { return w.n }),
}

var addToWebhooks = insertInto("webhooks", webhookColumns) +
	` ON CONFLICT (id) DO UPDATE SET submissions = webhooks.submissions + excluded.submissions`

func (t *tx) writeWebhooks(b *pgx.Batch) {
	var rows []webhookRow
	for _, id := range slices.SortedFunc(maps.Keys(t.used), func(a, b ledger.Digest) int { return bytes.Compare(a[:], b[:]) }) {
		if n := t.used[id]; n != 0 {
			rows = append(rows, webhookRow{id, int64(n)})
		}
	}
	put(b, addToWebhooks, webhookColumns, rows)
	clear(t.used)
}
