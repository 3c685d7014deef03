package postgres

import (
	"testing"

	"github.com/claygate/claygate/internal/ledger"
	"github.com/claygate/claygate/internal/ledger/postgres/pgtest"
)

// A replica hears of others that work by another configuration, and not of those that have long ended.
func TestAttend(t *testing.T) {
	t.Parallel()
	all := replicas(t, 3, Options{})
	one, other := ledger.Digest{1}, ledger.Digest{2}
	for i, step := range []struct {
		replica int
		works   ledger.Digest
		want    int
	}{{0, one, 0}, {1, one, 0}, {2, other, 2}, {0, one, 1}, {2, one, 0}, {0, one, 0}, {1, other, 2}} {
		got, err := all[step.replica].Attend(t.Context(), step.works)
		must(t, err)
		if got != step.want {
			t.Errorf("step %d: %d others, want %d", i, got, step.want)
		}
	}
	pgtest.Shared(t).SQL(t, all[0].config.ConnString(), `UPDATE settings SET value = convert_to(split_part(convert_from(value, 'UTF8'), ' ', 1) || ' 1', 'UTF8')
		WHERE name LIKE 'replica:%'`)
	if got, err := all[0].Attend(t.Context(), one); err != nil || got != 0 {
		t.Errorf("%d others after all ended, %v", got, err)
	}
}
