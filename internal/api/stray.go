package api

import (
	"slices"

	"github.com/claygate/claygate/internal/ledger"
)

// unknownKind is what a target is that is not configured.
const unknownKind = "unknown"

// strays adds the targets that have records and are not configured.
func (s *server) strays(c *call, configured []Target, list []TargetView) ([]TargetView, error) {
	names, err := s.Ledger.Targets(c.Context())
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if !c.who.reaches(name) || slices.ContainsFunc(configured, func(t Target) bool { return t.Name == name }) {
			continue
		}
		v, err := s.targetView(c, &Target{Target: ledger.Target{Name: name}, Kind: unknownKind, Await: true})
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}
