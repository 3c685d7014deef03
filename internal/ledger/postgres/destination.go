package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/claygate/claygate/internal/ledger"
)

// disabled says why nothing is delivered to a destination; "" when it is.
func (t *tx) disabled(destination string) (reason string, err error) {
	_, err = t.row(`SELECT disabled FROM destinations WHERE name = $1`, []any{text(destination)}, &reason)
	return reason, err
}

// disable stops deliveries to a destination; "" lets them go on. What changes nothing is no news.
func (t *tx) disable(destination, reason string) error {
	was, err := t.disabled(destination)
	if err != nil || was != "" && reason != "" || was == reason {
		return err
	}
	kind := ledger.DestinationDisabled
	if reason == "" {
		kind = ledger.DestinationEnabled
		_, err = t.exec(`DELETE FROM destinations WHERE name = $1`, text(destination))
		t.publish(ledger.Outgoing(destination))
	} else {
		_, err = t.exec(`INSERT INTO destinations (name, disabled, disabled_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
			text(destination), text(reason), micros(t.now))
		reason = ": " + reason
	}
	if err != nil {
		return err
	}
	t.announce(ledger.Notice{Kind: kind, Reason: "destination " + destination + reason})
	return nil
}

// Disable implements [ledger.Outbox].
func (s *Store) Disable(ctx context.Context, destination, reason string) error {
	return s.do(ctx, "disable", func(t *tx) error { return t.disable(destination, reason) })
}

// Enable implements [ledger.Outbox].
func (s *Store) Enable(ctx context.Context, destination string) error {
	return s.do(ctx, "enable", func(t *tx) error { return t.disable(destination, "") })
}

// CallbackHosts implements [ledger.Outbox]. It jumps from host to host in the index, however much waits for each.
func (s *Store) CallbackHosts(ctx context.Context) ([]string, error) {
	hosts, err := read(ctx, s, `WITH RECURSIVE hosts (name) AS (
			SELECT min(destination) FROM outbox WHERE due_at IS NOT NULL AND destination >= '@' AND destination < 'A'
			UNION ALL
			SELECT (SELECT min(destination) FROM outbox WHERE due_at IS NOT NULL AND destination > name AND destination < 'A')
			FROM hosts WHERE name IS NOT NULL
		) SELECT name FROM hosts WHERE name IS NOT NULL`, nil, scanText)
	return hosts, s.wrap("read", err)
}

func scanText(row pgx.Rows) (text string, err error) {
	err = row.Scan(&text)
	return text, err
}

// Destinations implements [ledger.Outbox].
func (s *Store) Destinations(ctx context.Context) ([]ledger.DestinationStatus, error) {
	all, err := read(ctx, s, `SELECT name, max(disabled), sum(waiting)::bigint, sum(dead)::bigint FROM (
			SELECT destination AS name, '' AS disabled, count(*) FILTER (WHERE NOT dead) AS waiting, count(*) FILTER (WHERE dead) AS dead
			FROM outbox GROUP BY destination
			UNION ALL SELECT name, disabled, 0, 0 FROM destinations
		) d GROUP BY name ORDER BY name COLLATE "C"`, nil, func(row pgx.Rows) (d ledger.DestinationStatus, err error) {
		err = row.Scan(&d.Destination, &d.Disabled, &d.Waiting, &d.Dead)
		return d, err
	})
	return all, s.wrap("read", err)
}

// Undelivered implements [ledger.Outbox].
func (s *Store) Undelivered(ctx context.Context, destination string, max int) ([]ledger.Delivery, error) {
	now := s.now()
	all, err := read(ctx, s, `SELECT `+deliveryColumns+` FROM outbox WHERE dead AND (destination = $1 OR $1 = '')
		ORDER BY seq DESC LIMIT $2`, []any{text(destination), max}, func(row pgx.Rows) (ledger.Delivery, error) {
		p, err := scanDelivery(row, now)
		return p.Delivery, err
	})
	return all, s.wrap("read", err)
}

// Redeliver implements [ledger.Outbox].
func (s *Store) Redeliver(ctx context.Context, what ledger.Redelivery) (n int, err error) {
	c := &call{phase: applying, need: func(n *needs) { n.records = append(n.records, what.Records...) }}
	return ask(ctx, s, "redeliver", c, func(t *tx) (int, error) { return t.redeliver(what) })
}

func (t *tx) redeliver(what ledger.Redelivery) (n int, err error) {
	for _, id := range what.Records {
		r, err := t.record(id, false)
		if err != nil {
			return 0, err
		}
		if !r.found {
			return 0, &ledger.Error{Kind: ledger.NotFound, Op: "redeliver", Message: "there is no record " + id.String()}
		}
		target, _ := t.catalog.Target(r.Target)
		again, err := target.Redeliveries(what.Destination, r.Record)
		if err != nil {
			return 0, err
		}
		t.post(again)
		n += len(again)
	}
	if !what.Dead {
		return n, nil
	}
	dead, err := t.deliveries(`SELECT `+deliveryColumns+` FROM outbox WHERE dead AND (destination = $1 OR $1 = '') ORDER BY seq`, text(what.Destination))
	for _, d := range dead {
		t.post([]ledger.Delivery{d.Delivery}) // it tells its own news again
	}
	return n + len(dead), err
}
