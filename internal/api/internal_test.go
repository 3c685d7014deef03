package api

import "net/http"

// Routed returns the patterns that a handler of [New] routes.
func Routed(h http.Handler) []string { return h.(*server).routed }
