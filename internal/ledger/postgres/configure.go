package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/claygate/claygate/internal/ledger"
)

// Configure implements [ledger.Keeper].
func (s *Store) Configure(ctx context.Context, c *ledger.Catalog) error {
	if err := s.do(ctx, "configure", func(t *tx) error { return t.compare(c) }); err != nil {
		return err
	}
	s.catalog.Store(c)
	topics := map[any]struct{}{}
	for _, lane := range c.Lanes() { // their pace may be another, and what waited for a target may go
		topics[lane] = struct{}{}
	}
	s.hub.Publish(topics)
	return nil
}

// compare announces which targets with unfinished records come and go with a new catalog.
func (t *tx) compare(c *ledger.Catalog) error {
	names, err := t.unfinished()
	if err != nil {
		return err
	}
	for _, name := range names {
		_, before := t.catalog.Target(name)
		_, after := c.Target(name)
		kind := ledger.TargetRemoved
		switch {
		case before == after:
			continue
		case after:
			kind = ledger.TargetReturned
		}
		t.announce(ledger.Notice{Kind: kind, Target: name})
	}
	return nil
}

// unfinished returns the targets some of whose records have not ended.
func (t *tx) unfinished() ([]string, error) {
	var scopes []string
	err := t.look(`SELECT DISTINCT scope FROM (SELECT scope FROM counts WHERE scope LIKE 'target:%'
		AND name IN ('queued', 'sending', 'sent', 'uncertain', 'joined') GROUP BY scope, name HAVING sum(n) > 0) c`, nil, func(row pgx.Rows) error {
		scope, err := scanText(row)
		scopes = append(scopes, scope)
		return err
	})
	return targetsOf(scopes), err
}
