package postgres

import (
	"context"
	"encoding/hex"

	"github.com/claygate/claygate/internal/ledger"
)

// attended is how many seconds a replica counts as one after it was last heard of: three times as long as it rests.
const attended = 90

// Replicas are rows of the settings: replica:ID, and as their value the digest of a configuration and when it was said, in
// seconds.
const (
	attend = `INSERT INTO settings (name, value) VALUES ('replica:' || $1::text, convert_to($2::text || ' ' || extract(epoch FROM clock_timestamp())::bigint, 'UTF8'))
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`
	dismiss = `DELETE FROM settings WHERE name LIKE 'replica:%'
		AND split_part(convert_from(value, 'UTF8'), ' ', 2)::bigint < extract(epoch FROM clock_timestamp()) - $1`
	countDifferent = `SELECT count(*) FROM settings WHERE name LIKE 'replica:%' AND split_part(convert_from(value, 'UTF8'), ' ', 1) <> $1`
)

// Attend says that this replica works by a configuration, and returns how many others lately said that they work by another
// one. Call it every half a minute.
func (s *Store) Attend(ctx context.Context, configuration ledger.Digest) (different int, err error) {
	digest := hex.EncodeToString(configuration[:])
	return ask(ctx, s, "attend", &call{phase: others}, func(t *tx) (n int, err error) {
		if _, err := t.exec(attend, s.name, digest); err != nil {
			return 0, err
		}
		if _, err := t.exec(dismiss, attended); err != nil {
			return 0, err
		}
		_, err = t.row(countDifferent, []any{digest}, &n)
		return n, err
	})
}
