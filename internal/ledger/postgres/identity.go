package postgres

import (
	"context"
	"crypto/rand"
	"encoding/hex"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/claygate/claygate/internal/ledger"
)

// identity is the setting by which a ledger is known from all others. One that was copied from a file has the file's.
const identity = "secret:identity"

// identify remembers which ledger the database holds. From then on [Store.recognise] takes no other.
func (s *Store) identify(ctx context.Context, conn *pgx.Conn) error {
	fresh := make([]byte, 32)
	rand.Read(fresh)
	if _, err := conn.Exec(ctx, `INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`, identity, fresh); err != nil {
		return wrap("open", err)
	}
	var known string
	if err := conn.QueryRow(ctx, `SELECT encode(value, 'hex') FROM settings WHERE name = $1`, identity).Scan(&known); err != nil {
		return wrap("open", err)
	}
	s.identity.Store(&known)
	return nil
}

// recognise refuses a new connection that leads to another ledger: behind one address may be two servers, of which neither
// would see what the other was given. A standby that took over has the same one.
func (s *Store) recognise(ctx context.Context, conn *pgconn.PgConn) error {
	known := s.identity.Load()
	if known == nil {
		return nil
	}
	id, err := hex.DecodeString(*known)
	if err != nil {
		return wrap("open", err)
	}
	got := conn.ExecParams(ctx, `SELECT 1 FROM settings WHERE name = $1 AND value = $2`, [][]byte{[]byte(identity), id}, nil, []int16{0, 1}, nil).Read()
	if got.Err != nil || len(got.Rows) == 1 {
		return got.Err
	}
	s.log.Error("the database's address leads to another ledger than before: no replica should work until it leads to one")
	return &ledger.Error{
		Kind: ledger.Busy, Op: "open", Message: "the database's address leads to another ledger than before",
		Hint: "name one server, or what always leads to the one primary: two ledgers behind one address do not see each other's records",
	}
}
