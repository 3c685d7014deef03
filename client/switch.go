package client

import "context"

// Stopped says what sending is stopped.
type Stopped struct {
	Stopped    *string           `json:"stopped"`    // why all of it is; nil while it is not
	Workspaces map[string]string `json:"workspaces"` // why that of single workspaces is
}

// Stop stops all sending of a workspace, or with "" of all, within a second and over restarts. The reason is for people;
// "" for none.
func (c *Client) Stop(ctx context.Context, workspace, reason string) (Stopped, error) {
	var s Stopped
	return s, c.post(ctx, "/v1/stop", switched{workspace, reason}, &s)
}

// Start lets sending go on after [Client.Stop] of the same workspace, or of all. What else is stopped stays so.
func (c *Client) Start(ctx context.Context, workspace string) (Stopped, error) {
	var s Stopped
	return s, c.post(ctx, "/v1/start", switched{Workspace: workspace}, &s)
}

type switched struct {
	Workspace string `json:"workspace,omitempty"`
	Reason    string `json:"reason,omitempty"`
}
