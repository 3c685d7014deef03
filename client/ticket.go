package client

import "context"

// RotateTickets has the gateway sign rows with another secret, in two minutes. Results of rows that went out before are taken
// for 30 days more. It takes a key of all targets with the scope admin.
func (c *Client) RotateTickets(ctx context.Context) error {
	return c.post(ctx, "/v1/tickets/rotate", nil, nil)
}
