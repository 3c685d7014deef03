package ledger

import (
	"iter"
	"strings"
)

// MainWorkspace is the workspace whose targets are stored under their bare names; those of others are "workspace/name".
const MainWorkspace = "main"

// WorkspaceOf returns the workspace that a target belongs to, by its stored name.
func WorkspaceOf(target string) string {
	if workspace, _, ok := strings.Cut(target, "/"); ok {
		return workspace
	}
	return MainWorkspace
}

// FindTarget returns the place, among the names of targets, of the one that somebody means, or -1. A target of
// [MainWorkspace] may be named with its workspace, and one of another workspace without, where only one has such a
// target. The name itself comes first.
func FindTarget(names iter.Seq[string], said string) int {
	found, n, i := -1, 0, -1
	for name := range names {
		i++
		if name == said || MainWorkspace+"/"+name == said && !strings.Contains(name, "/") {
			return i
		}
		if workspace, ok := strings.CutSuffix(name, "/"+said); ok && workspace != "" {
			found = i
			n++
		}
	}
	if n != 1 {
		return -1
	}
	return found
}
