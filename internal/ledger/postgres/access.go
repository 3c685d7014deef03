package postgres

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

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
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, key.ID, text(key.Name), key.Hash[:], strings.Join(scopes, ","),
			text(strings.Join(key.Workspaces, ",")), text(strings.Join(key.Targets, ",")), text(key.Ingest), micros(t.now))
		return err
	})
}

// Keys implements [ledger.Keys].
func (s *Store) Keys(ctx context.Context) ([]ledger.APIKey, error) {
	keys, err := read(ctx, s, `SELECT id, name, hash, scopes, workspaces, targets, ingest, created_at, revoked_at
		FROM api_keys ORDER BY created_at, id COLLATE "C"`, nil, scanAPIKey)
	return keys, s.wrap("key", err)
}

func scanAPIKey(row pgx.Rows) (k ledger.APIKey, err error) {
	var hash []byte
	var scopes, workspaces, targets string
	var created int64
	var revoked pgtype.Int8
	if err := row.Scan(&k.ID, &k.Name, &hash, &scopes, &workspaces, &targets, &k.Ingest, &created, &revoked); err != nil {
		return k, err
	}
	copy(k.Hash[:], hash)
	for _, scope := range list(scopes) {
		k.Scopes = append(k.Scopes, ledger.Scope(scope))
	}
	k.Workspaces, k.Targets, k.CreatedAt = list(workspaces), list(targets), unixMicro(created)
	if revoked.Valid {
		k.RevokedAt = unixMicro(revoked.Int64)
	}
	return k, nil
}

// RevokeKey implements [ledger.Keys].
func (s *Store) RevokeKey(ctx context.Context, id string) error {
	return s.do(ctx, "key", func(t *tx) error {
		known, err := t.exec(`UPDATE api_keys SET revoked_at = coalesce(revoked_at, $1) WHERE id = $2`, micros(t.now), text(id))
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
