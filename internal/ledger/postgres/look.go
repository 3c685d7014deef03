package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/claygate/claygate/internal/ledger"
)

// look wakes waiters about what changed although nobody told, every [lookEvery].
func (n *news) look(ctx context.Context) {
	for ctx.Err() == nil {
		ledger.Rest(ctx, lookEvery, nil)
		if topics := n.store.hub.Topics(); len(topics) > 0 && ctx.Err() == nil {
			woken := map[any]struct{}{}
			n.lookForNotices(ctx, topics, woken)
			n.lookForWork(ctx, topics, woken)
			n.store.hub.Publish(woken)
		}
	}
}

// noticesAtOnce bounds what one look reads.
const noticesAtOnce = 1000

// lookForNotices wakes those who wait for what was announced since it was asked for last.
func (n *news) lookForNotices(ctx context.Context, topics []any, woken map[any]struct{}) {
	if n.seq < 0 {
		if last, err := n.store.LastNotice(ctx); err == nil {
			n.seq = last
		}
		return
	}
	for {
		notices, err := n.store.Notices(ctx, n.seq, noticesAtOnce)
		if err != nil || len(notices) == 0 {
			return
		}
		n.seq = notices[len(notices)-1].Seq
		woken[ledger.Announced] = struct{}{}
		for _, notice := range notices {
			if !notice.Record.IsZero() {
				woken[notice.Record] = struct{}{}
				continue
			}
			woken[ledger.Pauses] = struct{}{}
			wakeKinds(topics, woken, func(topic any) bool {
				_, lane := topic.(ledger.LaneID)
				_, outgoing := topic.(ledger.Outgoing)
				return lane || outgoing
			})
		}
		wakeKinds(topics, woken, func(topic any) bool { _, load := topic.(ledger.LoadID); return load })
		if len(notices) < noticesAtOnce {
			return
		}
	}
}

func wakeKinds(topics []any, woken map[any]struct{}, which func(any) bool) {
	for _, topic := range topics {
		if which(topic) {
			woken[topic] = struct{}{}
		}
	}
}

// dueWork finds out in one question for which of some lanes and destinations there is something to do. What is paused is
// left out.
const dueWork = `SELECT 't', 'td' WHERE EXISTS (SELECT 1 FROM records WHERE due_at <= $1)
	UNION ALL SELECT 'q', q FROM unnest($2::text[]) q WHERE EXISTS (SELECT 1 FROM records WHERE state = 'queued' AND target = q AND ready_at <= $1)
		AND NOT EXISTS (SELECT 1 FROM targets WHERE name = q AND paused <> '') AND NOT EXISTS (SELECT 1 FROM settings WHERE name = 'stopped' AND value <> '')
	UNION ALL SELECT 'a', a FROM unnest($3::text[]) a WHERE EXISTS (SELECT 1 FROM runs WHERE lane = a AND due_at <= $1)
	UNION ALL SELECT 'o', o FROM unnest($4::text[]) o WHERE EXISTS (SELECT 1 FROM outbox WHERE destination = o AND due_at <= $1)
	UNION ALL SELECT 't', 'to' WHERE EXISTS (SELECT 1 FROM outbox WHERE due_at <= $1 AND destination >= '@' AND destination < 'A')`

// lookForWork wakes those who wait for work that is there: whoever wrote it may have died before doing it.
func (n *news) lookForWork(ctx context.Context, topics []any, woken map[any]struct{}) {
	catalog := n.store.catalog.Load()
	var targets, asking, outgoing []string
	for _, topic := range topics {
		switch topic := topic.(type) {
		case ledger.LaneID:
			for _, target := range catalog.On(topic) {
				targets = append(targets, text(target.Name))
			}
		case ledger.Asking:
			asking = append(asking, string(topic))
		case ledger.Outgoing:
			outgoing = append(outgoing, text(string(topic)))
		}
	}
	looking, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_, _ = read(looking, n.store, dueWork, []any{micros(n.store.now()), targets, asking, outgoing}, func(row pgx.Rows) (none struct{}, err error) {
		var kind, name string
		if err := row.Scan(&kind, &name); err != nil {
			return none, err
		}
		switch kind {
		case "t":
			woken[signed[name]] = struct{}{}
		case "q":
			target, _ := catalog.Target(name)
			woken[target.Lane] = struct{}{}
		case "a":
			woken[ledger.Asking(name)] = struct{}{}
		case "o":
			woken[ledger.Outgoing(name)] = struct{}{}
		}
		return none, nil
	}) // a look that fails is followed by another
}
