package api

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/claygate/claygate/internal/ledger"
)

// exportPage is how many records are read at a time: with fields and a result each may be as large as Clay takes.
const exportPage = 50

// export answers GET /v1/export: all records of a workspace, or of a target, one on each line, with what was handed in, what
// came back and every try at Clay.
func (s *server) export(c *call) error {
	targets, err := s.exported(c)
	if err != nil {
		return err
	}
	asked := c.URL.Query()
	if err := s.note(c, ledger.ExportedData, cmp.Or(asked.Get("workspace"), asked.Get("target"))); err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("Content-Type", "application/x-ndjson")
	h.Set("Cache-Control", "no-store")
	h["X-Content-Type-Options"] = noSniff
	c.w.WriteHeader(http.StatusOK)
	for _, target := range targets {
		if err := s.exportTarget(c, target); err != nil {
			s.Log.Warn("an export broke off", "target", target, "error", err)
			panic(http.ErrAbortHandler) // what is cut short must not look whole
		}
	}
	return nil
}

// exported reads what is to be exported, and returns its targets. What was handed in belongs to whoever has the workspace: a
// key that is bound to nothing has to be an administrator's.
func (s *server) exported(c *call) ([]string, error) {
	params, err := c.params("workspace", "target")
	if err != nil {
		return nil, err
	}
	if !c.who.bound() && c.who.allowed([]ledger.Scope{ledger.ScopeAdmin}) != nil {
		return nil, refusal(forbidden, "an export holds what others handed in: it needs a key with the scope admin, or one that is bound to the workspace")
	}
	workspace, target := params.Get("workspace"), params.Get("target")
	switch {
	case (workspace == "") == (target == ""):
		return nil, refusal(invalid, `say what to export: either "workspace" or "target"`)
	case target != "":
		target, err = s.watched(c, target)
		return []string{target}, err
	}
	return s.workspaceTargets(c, workspace)
}

// workspaceTargets returns the targets of a workspace, configured or not, when the caller's key covers all of them.
func (s *server) workspaceTargets(c *call, workspace string) ([]string, error) {
	missing := refusal(notFound, "there is no workspace %.100q", workspace)
	if key := c.who.key; key != nil && !key.Whole(workspace) {
		return nil, missing
	}
	names, err := s.allTargets(c)
	if err != nil {
		return nil, err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return ledger.WorkspaceOf(name) != workspace })
	if len(names) == 0 && !slices.Contains(s.Workspaces(), workspace) {
		return nil, missing
	}
	return names, nil
}

// exportTarget writes the records of a target, the newest first, a page at a time. The client has time anew for each.
func (s *server) exportTarget(c *call, target string) error {
	q := ledger.Query{Target: target, Bodies: true, Max: exportPage}
	for {
		records, err := s.Ledger.List(c.Context(), q)
		if err != nil || len(records) == 0 {
			return err
		}
		c.patient(0)
		var text []byte
		for i := range records {
			if text, err = s.appendExport(c, text, &records[i]); err != nil {
				return err
			}
		}
		if _, err := c.w.Write(text); err != nil || len(records) < q.Max {
			return err
		}
		if err := cmp.Or(s.Stop.Err(), s.still(c)); err != nil {
			return err
		}
		q.Before = records[len(records)-1].ID
	}
}

// appendExport appends a record's line.
func (s *server) appendExport(c *call, text []byte, r *ledger.Record) ([]byte, error) {
	attempts, err := s.attempts(c, r.ID)
	if err != nil {
		return nil, err
	}
	text = appendRecord(text, r)
	text = append(text[:len(text)-1], `,"fields":`...)
	text = appendObject(text, r.Fields)
	text = append(append(text, `,"attempts":`...), attempts...)
	return append(text, "}\n"...), nil
}
