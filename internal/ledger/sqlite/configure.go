package sqlite

import (
	"context"

	"github.com/claygate/claygate/internal/ledger"
)

// Configure implements [ledger.Keeper].
func (s *Store) Configure(ctx context.Context, c *ledger.Catalog) error {
	err := s.do(ctx, "configure", func(t *tx) error { return t.compare(c) })
	if err != nil {
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
		if err := t.announce(ledger.Notice{Kind: kind, Target: name}); err != nil {
			return err
		}
	}
	return nil
}

// unfinished returns the targets some of whose records have not ended.
func (t *tx) unfinished() (names []string, err error) {
	err = t.rows(`SELECT DISTINCT substr(scope, 8) FROM counts WHERE scope > 'target:' AND scope < 'target;' AND n > 0
		AND name IN ('queued', 'sending', 'sent', 'uncertain', 'joined') ORDER BY 1`, nil, func(row statement) (bool, error) {
		names = append(names, row.ColumnText(0))
		return true, row.Err()
	})
	return names, err
}
