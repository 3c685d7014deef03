package postgres

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/claygate/claygate/internal/ledger"
)

// A notice that is written does not become visible before one with a smaller number, whose transaction takes longer: a reader
// who stands at the greater one would never see it.
func TestNoticesAreInOrder(t *testing.T) {
	s := replicas(t, 1, Options{deaf: true, blind: true})[0]
	slow, err := pgx.Connect(t.Context(), s.config.ConnString())
	must(t, err)
	defer slow.Close(t.Context())
	for _, statement := range []string{`BEGIN`, lockTelling, `INSERT INTO notices (kind, cached, target, reason, at) VALUES ('target.paused', false, 'slow', '', 0)`} {
		_, err := slow.Exec(t.Context(), statement)
		must(t, err)
	}
	paused := make(chan error, 1)
	go func() { paused <- s.Pause(t.Context(), people, ledger.Pause{Reason: "so"}) }()
	for waits := 0; waits == 0; {
		must(t, slow.QueryRow(t.Context(), `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`).Scan(&waits))
		if seen, err := s.Notices(t.Context(), 0, 10); err != nil || len(seen) > 0 {
			t.Fatalf("it overtook: %v, %v", seen, err)
		}
	}
	_, err = slow.Exec(t.Context(), `COMMIT`)
	must(t, err)
	must(t, <-paused)
	seen, err := s.Notices(t.Context(), 0, 10)
	must(t, err)
	if len(seen) != 2 || seen[0].Target != "slow" || seen[1].Target != people {
		t.Errorf("%v", seen)
	}
}
