package ledger

import (
	"cmp"
	"context"
)

// Everything, in place of a workspace's name, is the switch of all workspaces.
const Everything = ""

// Switch is what stops all sending, of one workspace or of all. It survives restarts.
type Switch interface {
	// Stop stops all sending of a workspace, or with [Everything] of all, within a second. Reason is for people.
	Stop(ctx context.Context, workspace, reason string) error
	// Start takes the Stop of the same name back. What was stopped under another stays stopped.
	Start(ctx context.Context, workspace string) error
	// Stopped returns what is stopped.
	Stopped(ctx context.Context) (Stops, error)
}

// Stops says why what is stopped is, by workspace; all workspaces under [Everything].
type Stops map[string]string

// Of returns why a workspace is stopped; "" when it is not.
func (s Stops) Of(workspace string) string { return cmp.Or(s[Everything], s[workspace]) }

// Switched returns the notice of a Stop, or of a Start where there is no reason.
func Switched(workspace, reason string) Notice {
	n := Notice{Kind: AllStarted, Reason: reason}
	switch {
	case workspace != Everything && reason == "":
		n.Kind = WorkspaceStarted
	case workspace != Everything:
		n.Kind = WorkspaceStopped
	case reason != "":
		n.Kind = AllStopped
	}
	if workspace != Everything {
		n.Target = workspace + "/"
	}
	return n
}
