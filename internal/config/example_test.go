package config

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var exampleFiles = map[string]*mapFile{"secrets/crm-import-url": {Data: []byte(otherURL + "\n"), Mode: 0o600}}

func TestExampleLoads(t *testing.T) {
	c := mustLoad(t, world{yaml: Example(), files: exampleFiles}.source())
	if w := c.Warnings(); len(w) > 0 {
		t.Errorf("the example warns: %v", w)
	}
	if got := len(c.Targets()); got != 5 {
		t.Errorf("the example has %d targets, not 5", got)
	}
	file, err := os.ReadFile("../../examples/claygate.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Example(), string(file)); diff != "" {
		t.Errorf("examples/claygate.yaml is another one (-embedded +file):\n%s", diff)
	}
}

// TestExampleSaysTheDefaults: what the example comments out can be commented in, and changes nothing.
func TestExampleSaysTheDefaults(t *testing.T) {
	before := mustLoad(t, world{yaml: Example(), files: exampleFiles}.source())
	all := Example()
	for _, optional := range []string{"allow_insecure:", "base_url:", "id_field:", "complete_when:", "failed_when:"} {
		if !strings.Contains(all, "# "+optional) {
			t.Errorf("%s is not commented out", optional)
		}
		all = strings.Replace(all, "# "+optional, optional, 1)
	}
	after := mustLoad(t, world{yaml: all, files: exampleFiles}.source())
	people := after.Workspaces["main"].Tables["people"]
	if people.CompleteWhen != `status == "finished"` {
		t.Errorf("complete_when is %q", people.CompleteWhen)
	}
	routine := after.Workspaces["main"].Routines["work-email"]
	if routine.FailedWhen != "error != nil" {
		t.Errorf("failed_when is %q", routine.FailedWhen)
	}
	routine.FailedWhen = ""
	after.Workspaces["main"].Routines["work-email"] = routine
	people.CompleteWhen = ""
	after.Workspaces["main"].Tables["people"] = people
	if diff := cmp.Diff(before, after, opaque); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}
