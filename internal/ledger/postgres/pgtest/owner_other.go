//go:build !linux

package pgtest

import "os/exec"

// Elsewhere the server runs as whoever runs the tests, who must not be root.
func give(string) error { return nil }

func own(*exec.Cmd) {}

func tie(*exec.Cmd) {}

func roomy(string) bool { return false }
