package api

import (
	"crypto/sha256"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/claygate/claygate/internal/ledger"
)

// caller is who sent a request, as far as that is known.
type caller struct {
	key *ledger.APIKey // nil for somebody who may do everything
}

// id names the caller among all callers: idempotency keys of two do not meet.
func (c caller) id() string {
	if c.key == nil {
		return ""
	}
	return c.key.ID
}

// allowed refuses a caller who has none of the scopes.
func (c caller) allowed(scopes []ledger.Scope) error {
	if c.key == nil {
		return nil
	}
	if c.key.Ingest != "" { // an ingest URL travels through other people's settings: it feeds its target and no more
		if slices.Equal(scopes, []ledger.Scope{ledger.ScopeSend}) {
			return nil
		}
		return refusal(forbidden, "this is an ingest key: it can only hand records in").but("use an ordinary key")
	}
	for _, has := range c.key.Scopes {
		if has == ledger.ScopeAdmin || slices.Contains(scopes, has) {
			return nil
		}
	}
	return refusal(forbidden, "this needs a key with the scope %s", scopes[0]).
		but("claygate keys create --scope " + string(scopes[0]) + " makes one")
}

// reaches reports whether the caller's key covers the target.
func (c caller) reaches(target string) bool { return c.key == nil || c.key.Reaches(target) }

// bound reports whether the caller reaches a part of the gateway only.
func (c caller) bound() bool { return c.key != nil && c.key.Bound() }

// viaHeader is how a gateway marks what it forwards.
const viaHeader = "Claygate-Via"

// admit finds out who calls, and refuses strangers.
func (s *server) admit(c *call) error {
	if s.origins.Check(c.Request) != nil {
		return refusal(forbidden, "a web page of another origin sent this request").but("call the gateway from a program, not from a page")
	}
	if via := c.Header.Get(viaHeader); via != "" && via == s.Via {
		return refusal(loop, "this is what the gateway forwarded itself, come back in")
	}
	if s.Trusted {
		return nil
	}
	keys, err := s.keys.current(c.Context())
	if err != nil {
		return err
	}
	if !keys.any {
		return local(c.Request)
	}
	token, ok := bearer(c.Request)
	if !ok {
		return refusal(unauthorized, "this gateway has API keys, and none came with the request")
	}
	key, ok := keys.valid[sha256.Sum256([]byte(token))]
	if !ok {
		return refusal(unauthorized, "the API key is unknown or was revoked")
	}
	c.who.key = key
	return nil
}

// still refuses a caller who was let in and whose key has been revoked since: what goes on for long asks again.
func (s *server) still(c *call) error {
	if c.who.key == nil {
		return nil
	}
	keys, err := s.keys.current(c.Context())
	if err != nil {
		return err
	}
	if _, ok := keys.valid[c.who.key.Hash]; !ok {
		return refusal(unauthorized, "the API key was revoked")
	}
	return nil
}

// greet lets in whoever could call at all: without keys in the ledger that is this machine.
func (s *server) greet(c *call) error {
	if s.Trusted {
		return nil
	}
	keys, err := s.keys.current(c.Context())
	if err != nil || keys.any {
		return err
	}
	return local(c.Request)
}

// bearer returns the key that a request brought.
func bearer(r *http.Request) (string, bool) {
	values := r.Header["Authorization"]
	if len(values) != 1 {
		return "", false
	}
	scheme, token, ok := strings.Cut(values[0], " ")
	return strings.TrimSpace(token), ok && strings.EqualFold(scheme, "Bearer")
}

// keyIn takes the key from a header of Clay's, where the caller sent it there and not as Bearer.
func (c *call) keyIn(header string) {
	if sent := c.Header[header]; len(sent) == 1 && len(c.Header["Authorization"]) == 0 {
		c.Request = c.Clone(c.Context())
		c.Header.Set("Authorization", "Bearer "+sent[0])
	}
}

// keyHint is the hint for those who are kept out because there are no keys.
const keyHint = "make an API key with claygate keys create, then send it as Authorization: Bearer cg_…"

// local admits requests of this machine that were meant for it. A tunnel's come from this machine as well, and so do
// those of a page whose name was pointed at 127.0.0.1: their Host gives them away. What a proxy says of the caller
// (X-Forwarded-For and the like) is never believed, because anybody can say it.
func local(r *http.Request) error {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !peer.Addr().Unmap().IsLoopback() {
		return refusal(forbidden, "without API keys this gateway serves its own machine only").but(keyHint)
	}
	if !loopbackName(r.Host) {
		return refusal(forbidden, "without API keys this gateway answers to localhost only, not to %.100q", r.Host).but(keyHint)
	}
	return nil
}

// loopbackName reports whether the Host header names this machine.
func loopbackName(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	} else if inner, ok := strings.CutPrefix(host, "["); ok {
		name = strings.TrimSuffix(inner, "]")
	}
	if strings.EqualFold(name, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(name)
	return err == nil && addr.Unmap().IsLoopback()
}
