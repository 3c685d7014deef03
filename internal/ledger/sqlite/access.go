package sqlite

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// AddKey implements [ledger.Keys].
func (s *Store) AddKey(ctx context.Context, key ledger.APIKey) error {
	scopes := make([]string, len(key.Scopes))
	for i, scope := range key.Scopes {
		scopes[i] = string(scope)
	}
	return s.do(ctx, "key", func(t *tx) error {
		_, err := t.exec(`INSERT INTO api_keys (id, name, hash, scopes, workspaces, targets, ingest, created_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, key.ID, key.Name, key.Hash[:], strings.Join(scopes, ","),
			strings.Join(key.Workspaces, ","), strings.Join(key.Targets, ","), key.Ingest, micros(t.now))
		return err
	})
}

// Keys implements [ledger.Keys].
func (s *Store) Keys(ctx context.Context) ([]ledger.APIKey, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT id, name, hash, scopes, workspaces, targets, ingest, created_at, revoked_at
		FROM api_keys ORDER BY created_at, id`)
	if err != nil {
		return nil, s.wrap("key", err)
	}
	defer rows.Close()
	var keys []ledger.APIKey
	for rows.Next() {
		var k ledger.APIKey
		var hash []byte
		var scopes, workspaces, targets string
		var created int64
		var revoked sql.NullInt64
		if err := rows.Scan(&k.ID, &k.Name, &hash, &scopes, &workspaces, &targets, &k.Ingest, &created, &revoked); err != nil {
			return nil, s.wrap("key", err)
		}
		copy(k.Hash[:], hash)
		for _, scope := range list(scopes) {
			k.Scopes = append(k.Scopes, ledger.Scope(scope))
		}
		k.Workspaces, k.Targets, k.CreatedAt = list(workspaces), list(targets), time.UnixMicro(created)
		if revoked.Valid {
			k.RevokedAt = time.UnixMicro(revoked.Int64)
		}
		keys = append(keys, k)
	}
	return keys, s.wrap("key", rows.Err())
}

// RevokeKey implements [ledger.Keys].
func (s *Store) RevokeKey(ctx context.Context, id string) error {
	return s.do(ctx, "key", func(t *tx) error {
		known, err := t.exec(`UPDATE api_keys SET revoked_at = coalesce(revoked_at, ?) WHERE id = ?`, micros(t.now), id)
		if err != nil || known > 0 {
			return err
		}
		return &ledger.Error{Kind: ledger.NotFound, Op: "key", Message: "there is no key " + id}
	})
}

// list splits what was joined with commas.
func list(joined string) []string {
	if joined == "" {
		return nil
	}
	return strings.Split(joined, ",")
}
