package api

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/claygate/claygate/internal/intake"
	"github.com/claygate/claygate/internal/ledger"
)

// APIKey is an API key as callers see it.
type APIKey struct {
	ID     string         `json:"id"`
	Name   string         `json:"name"`
	Key    string         `json:"key,omitempty"` // only in the answer that makes it
	Scopes []ledger.Scope `json:"scopes"`
	// Workspaces and Targets are what it is bound to; where both are empty it reaches everything.
	Workspaces []string `json:"workspaces"`
	Targets    []string `json:"targets"`
	Ingest     string   `json:"ingest,omitempty"`
	// IngestPath is the path of the URL by which an ingest key feeds its target without any header; beside Key only.
	IngestPath string     `json:"ingest_path,omitempty"`
	CreatedAt  *time.Time `json:"created_at,omitempty"`
	RevokedAt  *time.Time `json:"revoked_at"`
}

// scopes are those that a key can have.
var scopes = []ledger.Scope{ledger.ScopeSend, ledger.ScopeRead, ledger.ScopeReplay, ledger.ScopeAdmin}

func keyView(k ledger.APIKey) APIKey {
	return APIKey{
		ID: k.ID, Name: k.Name, Scopes: append([]ledger.Scope{}, k.Scopes...),
		Workspaces: append([]string{}, k.Workspaces...), Targets: append([]string{}, k.Targets...),
		Ingest: k.Ingest, CreatedAt: moment(k.CreatedAt), RevokedAt: moment(k.RevokedAt),
	}
}

// createKey answers POST /v1/keys. The key is random and is kept as its hash, so this is the only time it is shown.
func (s *server) createKey(c *call) error {
	members, err := c.members("name", "scopes", "workspaces", "targets", "ingest")
	if err != nil {
		return err
	}
	key, err := s.parseKey(members)
	if err != nil {
		return err
	}
	secret := "cg_" + random(24)
	if key.Ingest != "" {
		secret = newIngest()
	}
	key.ID, key.Hash = "key_"+random(8), sha256.Sum256([]byte(secret))
	if err := s.note(c, ledger.KeyCreated, key.ID); err != nil {
		return err
	}
	ctx, done := c.change()
	defer done()
	if err := s.Ledger.AddKey(ctx, key); err != nil {
		return err
	}
	s.keys.forget()
	v := keyView(key)
	v.Key, v.IngestPath = secret, ingestPath(secret)
	c.w.Header().Set("Cache-Control", "no-store")
	return c.answer(http.StatusCreated, v)
}

func random(bytes int) string {
	raw := make([]byte, bytes)
	rand.Read(raw)
	return hex.EncodeToString(raw)
}

// parseKey reads what a new key is to be.
func (s *server) parseKey(members []intake.Member) (key ledger.APIKey, err error) {
	for _, m := range members {
		switch m.Name {
		case "name":
			key.Name, err = textMember(m, 100)
		case "scopes":
			key.Scopes, err = scopesOf(m)
		case "workspaces":
			key.Workspaces, err = s.workspacesOf(m)
		case "targets":
			key.Targets, err = s.targetsOf(m)
		case "ingest":
			key.Ingest, err = s.ingestOf(m)
		}
		if err != nil {
			return key, err
		}
	}
	switch {
	case key.Ingest != "" && len(key.Workspaces)+len(key.Targets)+len(key.Scopes) > 0:
		return key, refusal(invalid, `an "ingest" key feeds one target and has no "scopes", "workspaces" or "targets"`)
	case key.Ingest == "" && len(key.Scopes) == 0:
		return key, refusal(invalid, `"scopes" is missing: which of %v may it do?`, scopes)
	}
	return key, nil
}

func scopesOf(m intake.Member) ([]ledger.Scope, error) {
	var named []ledger.Scope
	if json.Unmarshal(m.Value, &named) != nil {
		return nil, refusal(invalid, `"scopes" must be an array of some of %v`, scopes)
	}
	for _, scope := range named {
		if !slices.Contains(scopes, scope) {
			return nil, refusal(invalid, `the scope %.40q is unknown: there are %v`, scope, scopes)
		}
	}
	slices.Sort(named)
	return slices.Compact(named), nil
}

// workspacesOf reads workspaces. One that nobody configured yet would be a misspelling more often than not.
func (s *server) workspacesOf(m intake.Member) ([]string, error) {
	var names []string
	if json.Unmarshal(m.Value, &names) != nil {
		return nil, refusal(invalid, `"workspaces" must be an array of names`)
	}
	all := s.Workspaces()
	for _, name := range names {
		if !slices.Contains(all, name) {
			return nil, refusal(invalid, "there is no workspace %.100q", name).but("configure it first, or mend its name")
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

func (s *server) targetsOf(m intake.Member) ([]string, error) {
	var names []string
	if json.Unmarshal(m.Value, &names) != nil {
		return nil, refusal(invalid, `"targets" must be an array of names`)
	}
	for i, name := range names {
		t, ok := s.named(name)
		if !ok {
			return nil, refusal(invalid, "there is no target %.100q", name)
		}
		names[i] = t.Name
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

func (s *server) ingestOf(m intake.Member) (string, error) {
	name, err := textMember(m, 200)
	if err != nil || name == "" {
		return "", err
	}
	t, ok := s.named(name)
	if !ok {
		return "", refusal(invalid, "there is no target %.100q", name)
	}
	return t.Name, nil
}

// listKeys answers GET /v1/keys.
func (s *server) listKeys(c *call) error {
	all, err := s.Ledger.Keys(c.Context())
	if err != nil {
		return err
	}
	views := make([]APIKey, len(all))
	for i, k := range all {
		views[i] = keyView(k)
	}
	return c.answer(http.StatusOK, map[string][]APIKey{"keys": views})
}

// revokeKey answers DELETE /v1/keys/{id}.
func (s *server) revokeKey(c *call) error {
	id := c.PathValue("id")
	if len(id) > 100 || !strings.HasPrefix(id, "key_") {
		return refusal(notFound, "there is no key %.100q", id)
	}
	if err := s.note(c, ledger.KeyRevoked, id); err != nil {
		return err
	}
	ctx, done := c.change()
	defer done()
	if err := s.Ledger.RevokeKey(ctx, id); err != nil {
		return err
	}
	s.keys.forget()
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}
