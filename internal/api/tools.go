package api

import (
	"net/http"
	"strings"
)

// workspacesPath is where Clay's own command line looks at routines, lists their runs and stops one, with the key of the
// Public API. Clay documents nothing of it (docs/clay.md).
const workspacesPath = "/v3/workspaces/"

// passTools passes through as much of that as concerns routines: the rest would reach keys, members and bills.
func (s *server) passTools(c *call) error {
	if !c.reads("tools") && !c.stopsRun() {
		return c.answer(http.StatusNotFound, struct {
			Message string `json:"message"`
		}{"the gateway passes the Public API through, and of what else Clay's command line calls only the routines and their runs: " +
			"for this, let it speak to Clay"})
	}
	return s.pass(c)
}

// reads reports whether a call reads what a workspace has under a name.
func (c *call) reads(name string) bool {
	part := c.inWorkspace()
	return c.Method == http.MethodGet && len(part) >= 2 && part[1] == name
}

// stopsRun reports whether a call stops a run. That is never held back: it saves.
func (c *call) stopsRun() bool {
	part := c.inWorkspace()
	return c.Method == http.MethodPost && len(part) == 5 && part[1] == "tools" && part[2] == "routine-runs" && part[4] == "stop"
}

// inWorkspace returns the parts of a path under a workspace, beginning with the workspace.
func (c *call) inWorkspace() []string {
	rest, ok := strings.CutPrefix(c.URL.Path, workspacesPath)
	if !ok {
		return nil
	}
	return strings.Split(rest, "/")
}
