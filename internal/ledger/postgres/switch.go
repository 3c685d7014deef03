package postgres

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/claygate/claygate/internal/ledger"
)

// stopped is the setting that stops all sending; that of one workspace is followed by its name.
const stopped = "stopped"

func stopOf(workspace string) string {
	if workspace == ledger.Everything {
		return stopped
	}
	return stopped + ":" + text(workspace)
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
	_, err := t.exec(`INSERT INTO settings (name, value) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`, stopOf(workspace), []byte(reason))
	if err != nil {
		return err
	}
	for _, lane := range t.catalog.Lanes() {
		t.publish(lane)
	}
	t.publish(ledger.Pauses)
	t.announce(ledger.Switched(workspace, reason))
	return nil
}

// Stopped implements [ledger.Switch].
func (s *Store) Stopped(ctx context.Context) (ledger.Stops, error) {
	type stop struct{ name, reason string }
	all, err := read(ctx, s, `SELECT name, value FROM settings WHERE (name = $1 OR starts_with(name, $1 || ':')) AND length(value) > 0`,
		[]any{stopped}, func(row pgx.Rows) (stop, error) {
			var name string
			var reason []byte
			err := row.Scan(&name, &reason)
			return stop{strings.TrimPrefix(strings.TrimPrefix(name, stopped), ":"), string(reason)}, err
		})
	stops := ledger.Stops{}
	for _, s := range all {
		stops[s.name] = s.reason
	}
	return stops, s.wrap("read", err)
}

// isStopped reports whether a lane is stopped, with its workspace or with all.
func (t *tx) isStopped(lane ledger.LaneID) (bool, error) {
	var one int
	return t.row(`SELECT 1 FROM settings WHERE name = ANY($1) AND length(value) > 0 LIMIT 1`,
		[]any{[]string{stopped, stopOf(lane.Workspace())}}, &one)
}
