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

// watched returns the name of the target that a parameter names, when the caller's key reaches it. What happened to
// records can be read also when their target is no longer configured.
func (s *server) watched(c *call, name string) (string, error) {
	if t, ok := s.reached(c.who, name); ok {
		return t.Name, nil
	}
	names, err := s.Ledger.Targets(c.Context())
	if err != nil {
		return "", err
	}
	names = slices.DeleteFunc(names, func(n string) bool { return !c.who.reaches(n) })
	if i := ledger.FindTarget(slices.Values(names), name); i >= 0 {
		return names[i], nil
	}
	return "", refusal(notFound, "there is no target %.100q", name).but("GET /v1/targets lists them")
}

// within returns the names of the targets that the caller's key covers, configured or not; nil for a key that covers all.
func (s *server) within(c *call) ([]string, error) {
	if !c.who.bound() {
		return nil, nil
	}
	names, err := s.allTargets(c)
	return slices.DeleteFunc(names, func(n string) bool { return !c.who.reaches(n) }), err
}

// allTargets returns the names of all targets, configured or not, in order.
func (s *server) allTargets(c *call) ([]string, error) {
	stored, err := s.Ledger.Targets(c.Context())
	if err != nil {
		return nil, err
	}
	names := append([]string{}, stored...)
	for _, t := range s.Targets() {
		names = append(names, t.Name)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}
