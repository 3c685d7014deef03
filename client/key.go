package client

import (
	"context"
	"net/url"
	"time"
)

// APIKey is an API key of the gateway.
type APIKey struct {
	ID     string   `json:"id"`
	Name   string   `json:"name"`
	Key    string   `json:"key,omitempty"` // only from [Client.CreateKey]
	Scopes []string `json:"scopes"`
	// Workspaces and Targets are what it is bound to; where both are empty it reaches everything.
	Workspaces []string `json:"workspaces"`
	Targets    []string `json:"targets"`
	Ingest     string   `json:"ingest,omitempty"` // the one target that it feeds; "" for an ordinary key
	// IngestPath is the path of a URL of the gateway's in the shape of Clay's webhooks, which feeds the target without any
	// header: the URL is the key. Only from [Client.CreateKey], for ingest keys.
	IngestPath string    `json:"ingest_path,omitempty"`
	CreatedAt  time.Time `json:"created_at"`
	RevokedAt  time.Time `json:"revoked_at,omitzero"` // zero while it is valid
}

// NewKey says what a new key may do.
type NewKey struct {
	Name string `json:"name,omitempty"`
	// Scopes are some of "send", "read", "replay", "admin".
	Scopes []string `json:"scopes,omitempty"`
	// Workspaces bind it to their targets, also to those that come later.
	Workspaces []string `json:"workspaces,omitempty"`
	// Targets bind it to these, beside those of Workspaces. With neither it reaches everything.
	Targets []string `json:"targets,omitempty"`
	// Ingest makes a key that feeds this one target and does nothing else, in place of scopes.
	Ingest string `json:"ingest,omitempty"`
}

// CreateKey makes an API key. The gateway keeps its hash only, so this is the one time that it is told.
func (c *Client) CreateKey(ctx context.Context, k NewKey) (APIKey, error) {
	var key APIKey
	return key, c.post(ctx, "/v1/keys", k, &key)
}

// Keys lists the API keys, revoked ones too, the oldest first.
func (c *Client) Keys(ctx context.Context) ([]APIKey, error) {
	var list struct{ Keys []APIKey }
	err := c.call(ctx, request{method: "GET", path: "/v1/keys", repeat: true}, &list)
	return list.Keys, err
}

// RevokeKey ends a key for ever, within a second.
func (c *Client) RevokeKey(ctx context.Context, id string) error {
	return c.call(ctx, request{method: "DELETE", path: "/v1/keys/" + url.PathEscape(id), repeat: true}, nil)
}
