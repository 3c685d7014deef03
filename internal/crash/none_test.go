//go:build !faultpoints

package crash

import (
	"slices"
	"testing"
)

// A point that is not in the list could never be asked for, and one that is there twice would hide another.
func TestPoints(t *testing.T) {
	seen := map[string]bool{}
	for _, point := range Points {
		if point == "" || seen[point] {
			t.Errorf("%q is there twice, or empty", point)
		}
		seen[point] = true
	}
	if !slices.Contains(Points, Taken) {
		t.Error("the list lacks a point")
	}
}

// Without the build tag nothing happens at a point.
func TestNothingWithoutTheTag(t *testing.T) {
	t.Setenv("FAULT", Taken+":1")
	for range 3 {
		Point(Taken)
	}
	if ctx := t.Context(); Trace(ctx) != ctx || Early("accept") {
		t.Error("something is done at a point of a release")
	}
}
