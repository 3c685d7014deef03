package postgres

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/claygate/claygate/internal/ledger"
)

// What an error of the database leads to: another run, another connection, or an answer that says whether trying again helps.
func TestErrors(t *testing.T) {
	type fate struct {
		Lost, Collision, Stuck bool
		Kind                   ledger.Kind
	}
	said := func(code string) error { return &pgconn.PgError{Severity: "ERROR", Code: code} }
	for name, tt := range map[string]struct {
		err  error
		want fate
	}{
		"a deadlock":               {said("40P01"), fate{Collision: true, Kind: ledger.Busy}},
		"a serialization failure":  {said("40001"), fate{Collision: true, Kind: ledger.Busy}},
		"another added it":         {said("23505"), fate{Collision: true, Kind: ledger.Busy}},
		"a lock that is not had":   {said("55P03"), fate{Stuck: true, Kind: ledger.Busy}},
		"a statement that is slow": {said("57014"), fate{Stuck: true, Kind: ledger.Busy}},
		"a full disk":              {said("53100"), fate{Stuck: true, Kind: ledger.Full}},
		"the server stops":         {said("57P01"), fate{Lost: true, Kind: ledger.Busy}},
		"the session is ended":     {&pgconn.PgError{Severity: "FATAL", Code: "25P03"}, fate{Lost: true, Kind: ledger.Busy}},
		"it has become a standby":  {said("25006"), fate{Lost: true, Kind: ledger.Busy}},
		"the line breaks":          {io.ErrUnexpectedEOF, fate{Lost: true, Kind: ledger.Busy}},
		"silence":                  {errSlow, fate{Lost: true, Kind: ledger.Busy}},
		"a right is missing":       {said("42501"), fate{Kind: ledger.Unavailable}},
		"a pooler is between":      {said("26000"), fate{Stuck: true, Kind: ledger.Unavailable}},
		"and has it already":       {said("42P05"), fate{Stuck: true, Kind: ledger.Unavailable}},
		"it does not flush":        {errNotSynchronous, fate{Stuck: true, Kind: ledger.Unavailable}},
		"a damaged page":           {said("XX001"), fate{Kind: ledger.Internal}},
		"the domain says no":       {&ledger.Error{Kind: ledger.NotFound}, fate{Kind: ledger.NotFound}},
	} {
		got := fate{lost(tt.err), collision(tt.err), stuck(tt.err), ledger.KindOf(wrap("apply", tt.err))}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if err := wrap("apply", context.Canceled); !errors.Is(err, context.Canceled) {
		t.Errorf("whoever gave up is told %v", err)
	}
}
