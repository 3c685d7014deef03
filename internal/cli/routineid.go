package cli

import (
	"net/url"
	"strings"
	"unicode/utf16"
)

// longestRoutineID is the longest that Clay takes, in characters (docs/clay.md).
const longestRoutineID = 64

// routineID reads what people know of a routine: its id, a function's table alone (t_…), a workflow's (wf_…), or the
// address of its page in Clay.
func routineID(given string) (string, error) {
	id := strings.TrimSpace(given)
	if strings.HasPrefix(id, "http://") || strings.HasPrefix(id, "https://") || strings.HasPrefix(id, "app.clay.com/") {
		if id = routineOfPage(id); id == "" {
			return "", &usageError{
				message: "--routine: that address does not name a function or a workflow", hint: "open the function in Clay and copy its address, which has /t_… in it; or give the id: function:t_…",
			}
		}
	}
	id = withKind(id)
	kind, name, _ := strings.Cut(id, ":")
	switch {
	case kind != "function" && kind != "workflow" || name == "" || strings.ContainsAny(name, ":/?#% \t\n"):
		return "", &usageError{message: "--routine: " + quote(given) + " is not the id of a routine", hint: "it looks like function:t_… or workflow:wf_…; `claygate routines` lists them"}
	case len(utf16.Encode([]rune(id))) > longestRoutineID:
		return "", &usageError{message: "--routine: the id is longer than 64 characters", hint: "copy it from Clay again"}
	}
	return id, nil
}

// withKind puts the kind before an id that tells it by itself.
func withKind(id string) string {
	switch {
	case strings.HasPrefix(id, "t_"):
		return "function:" + id
	case strings.HasPrefix(id, "wf_"):
		return "workflow:" + id
	}
	return id
}

// routineOfPage finds the table or the workflow in a page's address, "" when there is none. A function is a table of Clay's;
// the last one in the address is the one that is looked at.
func routineOfPage(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	segments := strings.Split(u.Path, "/")
	for i := len(segments) - 1; i >= 0; i-- {
		s := segments[i]
		after := ""
		if i > 0 {
			after = segments[i-1]
		}
		switch {
		case strings.HasPrefix(s, "function:"), strings.HasPrefix(s, "workflow:"), strings.HasPrefix(s, "t_"), strings.HasPrefix(s, "wf_"):
			return withKind(s)
		case s != "" && (after == "workflows" || after == "tc-workflows"):
			return "workflow:" + s
		}
	}
	return ""
}

// quote shows what somebody typed, but not all of a long slip.
func quote(text string) string {
	const most = 80
	if r := []rune(text); len(r) > most {
		text = string(r[:most]) + "…"
	}
	return `"` + printable(text) + `"`
}
