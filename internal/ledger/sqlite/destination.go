package sqlite

import (
	"context"

	"github.com/claygate/claygate/internal/ledger"
)

// disabled says why nothing is delivered to a destination; "" when it is.
func (t *tx) disabled(destination string) (reason string, err error) {
	_, err = t.row(`SELECT disabled FROM destinations WHERE name = ?`, []any{destination}, &reason)
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
		kind, reason = ledger.DestinationEnabled, ""
		_, err = t.exec(`DELETE FROM destinations WHERE name = ?`, destination)
		t.publish(ledger.Outgoing(destination))
	} else {
		_, err = t.exec(`INSERT INTO destinations (name, disabled, disabled_at) VALUES (?, ?, ?)`, destination, reason, micros(t.now))
		reason = ": " + reason
	}
	if err != nil {
		return err
	}
	return t.announce(ledger.Notice{Kind: kind, Reason: "destination " + destination + reason})
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
	rows, err := s.read.QueryContext(ctx, `WITH RECURSIVE hosts (name) AS (
			SELECT min(destination) FROM outbox WHERE due_at IS NOT NULL AND destination >= '@' AND destination < 'A'
			UNION ALL
			SELECT (SELECT min(destination) FROM outbox WHERE due_at IS NOT NULL AND destination > name AND destination < 'A')
			FROM hosts WHERE name IS NOT NULL
		) SELECT name FROM hosts WHERE name IS NOT NULL`)
	if err != nil {
		return nil, s.wrap("read", err)
	}
	defer rows.Close()
	var hosts []string
	for rows.Next() {
		var host string
		if err := rows.Scan(&host); err != nil {
			return nil, s.wrap("read", err)
		}
		hosts = append(hosts, host)
	}
	return hosts, s.wrap("read", rows.Err())
}

// Destinations implements [ledger.Outbox].
func (s *Store) Destinations(ctx context.Context) ([]ledger.DestinationStatus, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT name, max(disabled), sum(waiting), sum(dead) FROM (
			SELECT destination AS name, '' AS disabled, sum(dead = 0) AS waiting, sum(dead <> 0) AS dead FROM outbox GROUP BY destination
			UNION ALL SELECT name, disabled, 0, 0 FROM destinations
		) GROUP BY name ORDER BY name`)
	if err != nil {
		return nil, s.wrap("read", err)
	}
	defer rows.Close()
	var all []ledger.DestinationStatus
	for rows.Next() {
		var d ledger.DestinationStatus
		if err := rows.Scan(&d.Destination, &d.Disabled, &d.Waiting, &d.Dead); err != nil {
			return nil, s.wrap("read", err)
		}
		all = append(all, d)
	}
	return all, s.wrap("read", rows.Err())
}

// Undelivered implements [ledger.Outbox].
func (s *Store) Undelivered(ctx context.Context, destination string, max int) ([]ledger.Delivery, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT `+deliveryColumns+` FROM outbox WHERE dead <> 0 AND (destination = ?1 OR ?1 = '')
		ORDER BY seq DESC LIMIT ?2`, destination, max)
	if err != nil {
		return nil, s.wrap("read", err)
	}
	defer rows.Close()
	var all []ledger.Delivery
	for now := s.now(); rows.Next(); {
		d, err := scanDelivery(rows, now)
		if err != nil {
			return nil, s.wrap("read", err)
		}
		all = append(all, d)
	}
	return all, s.wrap("read", rows.Err())
}

// Redeliver implements [ledger.Outbox].
func (s *Store) Redeliver(ctx context.Context, what ledger.Redelivery) (n int, err error) {
	got := make(chan int, 1) // see Claim
	err = s.do(ctx, "redeliver", func(t *tx) error {
		n, err := t.redeliver(what)
		if err != nil {
			return err
		}
		select {
		case <-got:
		default:
		}
		got <- n
		return nil
	})
	if err != nil {
		return 0, err
	}
	return <-got, nil
}

func (t *tx) redeliver(what ledger.Redelivery) (n int, err error) {
	for _, id := range what.Records {
		r, found, err := t.record(id, false)
		if err != nil {
			return 0, err
		}
		if !found {
			return 0, &ledger.Error{Kind: ledger.NotFound, Op: "redeliver", Message: "there is no record " + id.String()}
		}
		target, _ := t.catalog.Target(r.Target)
		again, err := target.Redeliveries(what.Destination, r)
		if err == nil {
			err = t.post(again)
		}
		if err != nil {
			return 0, err
		}
		n += len(again)
	}
	if !what.Dead {
		return n, nil
	}
	dead, err := t.dead(what.Destination)
	for _, d := range dead {
		if err := t.revive(d.Overtaken(d)); err != nil {
			return 0, err
		}
	}
	return n + len(dead), err
}

// dead returns the deliveries that were given up.
func (t *tx) dead(destination string) ([]ledger.Delivery, error) {
	if destination == "" {
		return t.deliveries(`SELECT ` + deliveryColumns + ` FROM outbox WHERE dead <> 0 ORDER BY seq`)
	}
	return t.deliveries(`SELECT `+deliveryColumns+` FROM outbox WHERE dead <> 0 AND destination = ? ORDER BY seq`, destination)
}
