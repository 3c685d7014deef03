package ledger

import (
	"slices"
	"testing"
)

// A target of the one workspace was found as "people" only, although it is addressed workspace/target.
func TestFindTarget(t *testing.T) {
	names := []string{"firms", "acme/people", "people", "acme/leads", "other/rest", "acme/rest"}
	for said, want := range map[string]string{
		"people": "people", "main/people": "people", "acme/people": "acme/people", "firms": "firms", "main/firms": "firms",
		"leads": "acme/leads", "rest": "", "other/rest": "other/rest", "main/leads": "", "main/rest": "", "": "", "main/": "",
		"eople": "", "main": "", "main/acme/people": "", "/people": "", "acme/": "", "nobody": "",
	} {
		got := ""
		if i := FindTarget(slices.Values(names), said); i >= 0 {
			got = names[i]
		}
		if got != want {
			t.Errorf("%q is %q, want %q", said, got, want)
		}
	}
}
