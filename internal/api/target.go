package api

import "strings"

// target returns the target that the path names, when the caller's key reaches it.
func (s *server) target(c *call) (Target, error) {
	name := c.PathValue("target")
	if workspace := c.PathValue("workspace"); workspace != "" {
		name = workspace + "/" + name
	}
	if t, ok := s.named(name); ok && c.who.reaches(t.Name) {
		return t, nil
	}
	return Target{}, refusal(notFound, "there is no target %.100q", name).but("GET /v1/targets lists them")
}

// named returns the target of that name. The workspace may be left out where only one has such a target.
func (s *server) named(name string) (found Target, ok bool) {
	n := 0
	for _, t := range s.Targets {
		if t.Name == name {
			return t, true
		}
		if strings.HasSuffix(t.Name, "/"+name) {
			found = t
			n++
		}
	}
	return found, n == 1
}
