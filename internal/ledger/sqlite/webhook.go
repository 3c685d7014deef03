package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// webhookUse reads what is known of a target's webhooks.
func (t *tx) webhookUse(target ledger.Target) (map[ledger.Digest]ledger.WebhookUse, error) {
	used := map[ledger.Digest]ledger.WebhookUse{}
	for _, w := range target.Webhooks {
		var use ledger.WebhookUse
		_, err := t.row(`SELECT submissions, exhausted_at IS NOT NULL FROM webhooks WHERE id = ?`, []any{w.ID[:]},
			&use.Submissions, &use.Exhausted)
		if err != nil {
			return nil, err
		}
		used[w.ID] = use
	}
	return used, nil
}

// countUse adds to what a webhook took. When the second of its two moments is long ago it becomes the first.
const countUse = `INSERT INTO webhooks (id, submissions, first_at, second_at) VALUES (?1, ?2, ?3, ?4)
	ON CONFLICT (id) DO UPDATE SET submissions = submissions + ?2,
		first_at = iif(second_at <= ?5, second_at, first_at), first = iif(second_at <= ?5, second, first),
		second = iif(second_at <= ?5, submissions, second), second_at = iif(second_at <= ?5, ?3, second_at)`

// use counts n submissions of a webhook; a negative n takes back what surely did not arrive.
func (t *tx) use(webhook ledger.Digest, n int) error {
	if webhook.IsZero() || n == 0 {
		return nil
	}
	now := micros(t.now)
	_, err := t.exec(countUse, webhook[:], n, now, now, micros(t.now.Add(-ledger.FlowSpan)))
	return err
}

func (t *tx) exhaust(webhook ledger.Digest) error {
	if webhook.IsZero() {
		return nil
	}
	_, err := t.exec(`UPDATE webhooks SET exhausted_at = ? WHERE id = ?`, micros(t.now), webhook[:])
	return err
}

// Flows implements [ledger.Flows].
func (s *Store) Flows(ctx context.Context, webhooks []ledger.Digest) (map[ledger.Digest]ledger.Flow, error) {
	flows, now := make(map[ledger.Digest]ledger.Flow, len(webhooks)), s.now()
	for _, id := range webhooks {
		var f ledger.Flow
		var since int64
		err := s.read.QueryRowContext(ctx, `SELECT submissions, exhausted_at IS NOT NULL, first_at, submissions - first FROM webhooks WHERE id = ?`, id[:]).
			Scan(&f.Submissions, &f.Exhausted, &since, &f.Taken)
		switch {
		case err == nil:
			f.Span = max(now.Sub(time.UnixMicro(since)), 0)
		case !errors.Is(err, sql.ErrNoRows):
			return nil, s.wrap("read", err)
		}
		flows[id] = f
	}
	return flows, nil
}
