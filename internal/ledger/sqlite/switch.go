package sqlite

import (
	"context"
	"strings"

	"github.com/claygate/claygate/internal/ledger"
)

// stopped is the setting that stops all sending; that of one workspace is followed by its name.
const stopped = "stopped"

func stopOf(workspace string) string {
	if workspace == ledger.Everything {
		return stopped
	}
	return stopped + ":" + workspace
}

// Stop implements [ledger.Switch].
func (s *Store) Stop(ctx context.Context, workspace, reason string) error {
	return s.do(ctx, "stop", func(t *tx) error { return t.stop(workspace, reason) })
}

// Start implements [ledger.Switch].
func (s *Store) Start(ctx context.Context, workspace string) error {
	return s.do(ctx, "start", func(t *tx) error { return t.stop(workspace, "") })
}

func (t *tx) stop(workspace, reason string) error {
	_, err := t.exec(`INSERT INTO settings (name, value) VALUES (?, ?)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`, stopOf(workspace), []byte(reason))
	if err != nil {
		return err
	}
	for _, lane := range t.catalog.Lanes() {
		t.publish(lane)
	}
	t.publish(ledger.Pauses)
	return t.announce(ledger.Switched(workspace, reason))
}

// Stopped implements [ledger.Switch].
func (s *Store) Stopped(ctx context.Context) (ledger.Stops, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT name, value FROM settings WHERE (name = ? OR name > ? AND name < ?) AND length(value) > 0`,
		stopped, stopped+":", stopped+";")
	if err != nil {
		return nil, s.wrap("read", err)
	}
	defer rows.Close()
	stops := ledger.Stops{}
	for rows.Next() {
		var name string
		var reason []byte
		if err := rows.Scan(&name, &reason); err != nil {
			return nil, s.wrap("read", err)
		}
		stops[strings.TrimPrefix(strings.TrimPrefix(name, stopped), ":")] = string(reason)
	}
	return stops, s.wrap("read", rows.Err())
}

// isStopped reports whether a lane is stopped, with its workspace or with all.
func (t *tx) isStopped(lane ledger.LaneID) (bool, error) {
	var one int
	return t.row(`SELECT 1 FROM settings WHERE name IN (?, ?) AND length(value) > 0 LIMIT 1`, []any{stopped, stopOf(lane.Workspace())}, &one)
}
