package claytest

import (
	"net/http"
	"strings"
	"time"
)

// toolsPath is where Clay's own command line looks at routines. Clay documents
// nothing of it; the shapes are those that its command line takes (docs/clay.md).
const toolsPath = "/v3/workspaces/{workspace}/tools"

// shown are the routines that are listed where all exist.
var shown = []string{"function:t_demo", "workflow:wf_demo"}

// tool is a routine as it is listed.
type tool struct {
	ID          string         `json:"id"`
	Type        string         `json:"type"`
	Name        string         `json:"name"`
	Description string         `json:"description"`
	Access      toolAccess     `json:"access"`
	InputSchema map[string]any `json:"inputSchema"`
	Price       toolPrice      `json:"estimatedCreditCost"`
}

type toolAccess struct {
	Integrations []string `json:"integrations"`
	Roles        []string `json:"roles"`
}

type toolPrice struct {
	Credits float64 `json:"perRun"`
	Actions float64 `json:"actionExecution"`
	Varies  bool    `json:"containsVariablePricing"`
}

// toolRoutes adds the endpoints.
func (s *Server) toolRoutes(mux *http.ServeMux) {
	for pattern, e := range map[string]endpoint{
		"GET " + toolsPath:                s.tools,
		"GET " + toolsPath + "/{routine}": s.tool,
		"GET " + toolsPath + "/runs":      s.toolRuns,
	} {
		mux.HandleFunc(pattern, s.serve(s.asTool(e)))
	}
}

// asTool lets in whom the Public API lets in.
func (s *Server) asTool(e endpoint) endpoint {
	return func(a *arrival) answer {
		if refused, ok := s.admit(a, contract{}); !ok {
			return refused
		}
		return e(a)
	}
}

// tools lists the routines, all on one page.
func (s *Server) tools(a *arrival) answer {
	ids := s.opt.PublicAPI.Routines
	if len(ids) == 0 {
		ids = shown
	}
	all := []tool{}
	for _, id := range ids {
		if t := s.describe(id); a.http.URL.Query().Get("toolType") == "" || a.http.URL.Query().Get("toolType") == t.Type {
			all = append(all, t)
		}
	}
	return answer{status: http.StatusOK, body: encode(map[string]any{"data": all})}
}

func (s *Server) tool(a *arrival) answer {
	id := a.http.PathValue("routine")
	if !s.knownRoutine(id) {
		return apiError(http.StatusNotFound, "Routine not found")
	}
	return answer{status: http.StatusOK, body: encode(s.describe(id))}
}

// describe says what every routine takes: whatever the enrichment looks at.
func (s *Server) describe(id string) tool {
	kind, name, _ := strings.Cut(id, ":")
	text := func(what string) map[string]string { return map[string]string{"type": "string", "description": what} }
	return tool{
		ID: id, Type: kind, Name: "Emulated " + name, Description: "Enriches a person or a company", Access: toolAccess{[]string{"api"}, []string{}},
		InputSchema: map[string]any{"type": "object", "properties": map[string]any{
			"email": text("of a person"), "domain": text("of a company"),
		}},
		Price: toolPrice{Credits: s.opt.PublicAPI.Cost, Actions: 1},
	}
}

// toolRuns lists the runs that are kept, the newest first.
func (s *Server) toolRuns(a *arrival) answer {
	type listed struct {
		ID       string `json:"tool_run_id"`
		Tool     string `json:"tool_id"`
		Status   string `json:"status"`
		Total    int    `json:"total"`
		Finished int    `json:"finished"`
	}
	s.api.mu.Lock()
	defer s.api.mu.Unlock()
	all := []listed{}
	for i := len(s.api.order) - 1; i >= 0; i-- {
		r := s.api.order[i]
		all = append(all, listed{r.ID, r.Routine, r.status(a.now), len(r.items), r.finished(a.now)})
	}
	return answer{status: http.StatusOK, body: encode(map[string]any{"data": all})}
}

// status is how a run stands.
func (r *run) status(now time.Time) string {
	switch {
	case r.running(now):
		return "in_progress"
	case r.invalid != nil:
		return "validation_failed"
	case r.failed && r.Bulk:
		return "processing_failed"
	}
	return "complete"
}
