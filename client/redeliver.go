package client

import (
	"context"
	"net/url"
)

// Destination is where the gateway forwards the ends of records.
type Destination struct {
	Name        string  `json:"name"`        // as configured; "@" and a host for the callback URLs there
	Disabled    *string `json:"disabled"`    // why nothing is delivered; nil when it is
	Waiting     int     `json:"waiting"`     // deliveries that wait or are under way
	Undelivered int     `json:"undelivered"` // given up, until [Client.RedeliverUndelivered]
}

// Destinations lists the destinations. It takes a key of all targets with the scope admin, as do the methods that change
// one.
func (c *Client) Destinations(ctx context.Context) ([]Destination, error) {
	var list struct{ Destinations []Destination }
	err := c.call(ctx, request{method: "GET", path: "/v1/destinations", repeat: true}, &list)
	return list.Destinations, err
}

// Redeliver forwards the ends of records again, at most 500 at once: to one destination, or to all of each record's with
// "". It returns how many deliveries that makes. It costs nothing at Clay.
func (c *Client) Redeliver(ctx context.Context, destination string, ids ...string) (deliveries int, err error) {
	body := map[string]any{"records": ids}
	if destination != "" {
		body["destination"] = destination
	}
	var out struct{ Deliveries int }
	err = c.post(ctx, "/v1/redeliver", body, &out)
	return out.Deliveries, err
}

// RedeliverUndelivered tries again what was given up for a destination.
func (c *Client) RedeliverUndelivered(ctx context.Context, destination string) (deliveries int, err error) {
	var out struct{ Deliveries int }
	err = c.post(ctx, destinationPath(destination)+"/redeliver", nil, &out)
	return out.Deliveries, err
}

// EnableDestination lets deliveries go on, also after the destination answered 410; DisableDestination stops them, and
// what ends meanwhile is kept.
func (c *Client) EnableDestination(ctx context.Context, destination string) error {
	return c.post(ctx, destinationPath(destination)+"/enable", nil, nil)
}

// DisableDestination: see [Client.EnableDestination]. The reason is for people; "" for none.
func (c *Client) DisableDestination(ctx context.Context, destination, reason string) error {
	return c.post(ctx, destinationPath(destination)+"/disable", reasonBody(reason), nil)
}

func destinationPath(name string) string { return "/v1/destinations/" + url.PathEscape(name) }
