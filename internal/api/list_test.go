package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/claygate/claygate/internal/ledger"
)

// pages reads all pages of a list.
func (g *gateway) pages(query string, headers ...string) []record {
	g.t.Helper()
	var all []record
	cursor := ""
	for range 100 {
		got := g.do("GET", "/v1/records?"+query+cursor, "", headers...)
		if got.status != 200 {
			g.t.Fatalf("status %d: %s", got.status, got.body)
		}
		page := decode[struct {
			Records []record
			Next    *string
		}](g.t, got)
		all = append(all, page.Records...)
		if page.Next == nil {
			return all
		}
		cursor = "&cursor=" + *page.Next
	}
	g.t.Fatal("the pages have no end")
	return nil
}

func TestList(t *testing.T) {
	o := onDisk(t)
	o.dedupeBy = []string{"email"}
	g := newGateway(t, o)
	var ids []string
	for i := range 25 {
		target := []string{"people", "eu/firms"}[i%2]
		ids = append(ids, g.submit(target, fmt.Sprintf(`{"fields":{"email":"p%d@example.com"}}`, i)).String())
	}
	slices.Reverse(ids)
	g.do("POST", "/v1/records/"+ids[3]+"/cancel", "")

	tests := map[string]struct {
		query string
		want  []string
	}{
		"everything":       {"", ids},
		"in pages":         {"limit=7", ids},
		"one by one":       {"limit=1", ids},
		"a full last page": {"limit=5", ids},
		"a target":         {"limit=4&target=eu/firms", every(ids, 1)},
		"by its own name":  {"target=firms", every(ids, 1)},
		"in full":          {"target=main/people", every(ids, 0)},
		"a state":          {"state=canceled", ids[3:4]},
		"states":           {"limit=9&state=queued,canceled", ids},
		"a key":            {"target=people&key=+P4%40EXAMPLE.com", ids[20:21]},
		"nothing":          {"state=done", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, r := range g.pages(tt.query) {
				got = append(got, r.ID)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got  %v\nwant %v", got, tt.want)
			}
		})
	}
}

// The records of a target that is no longer configured stay, and were not to be found by its name.
func TestListOfTargetThatIsGone(t *testing.T) {
	g := newGateway(t, setup{guarded: true})
	id := g.submit("eu/firms", onePerson).String()
	admin, _ := g.minted(`{"scopes":["admin"]}`, "")
	other, _ := g.minted(`{"scopes":["read"],"targets":["people"]}`, admin)
	g.configured = g.configured[:1]
	for _, name := range []string{"eu/firms", "firms"} {
		if got := g.pages("target="+name, admin); len(got) != 1 || got[0].ID != id {
			t.Errorf("%s has %v", name, got)
		}
		for key, want := range map[string]int{admin: 200, other: 404} {
			if got := g.do("GET", "/v1/records?target="+name, "", key); got.status != want {
				t.Errorf("%s: %d, want %d: %s", name, got.status, want, got.body)
			}
		}
	}
	got := g.do("GET", "/v1/records?target=firms&key=a", "", admin)
	if got.status != 400 || !strings.Contains(got.body, "not configured") {
		t.Errorf("by a key that nobody can make: %d %s", got.status, got.body)
	}
	if got := g.do("GET", "/v1/records?target=nobody", "", admin); got.status != 404 {
		t.Errorf("a target that never was: %d %s", got.status, got.body)
	}
}

// every returns every second ID, from the one at start.
func every(ids []string, start int) []string {
	var some []string
	for i := start; i < len(ids); i += 2 {
		some = append(some, ids[i])
	}
	return some
}

// Records that come and change while pages are read make none appear twice or go missing.
func TestListIsStable(t *testing.T) {
	g := newGateway(t, onDisk(t))
	want := map[string]bool{}
	for range 20 {
		want[g.submit("people", onePerson).String()] = true
	}
	cursor := ""
	for {
		page := decode[struct {
			Records []record
			Next    *string
		}](t, g.do("GET", "/v1/records?limit=3"+cursor, ""))
		for _, r := range page.Records {
			if !want[r.ID] {
				t.Errorf("%s is there twice, or came later", r.ID)
			}
			delete(want, r.ID)
		}
		if page.Next == nil {
			break
		}
		cursor = "&cursor=" + *page.Next
		g.submit("people", onePerson)
		id, _ := ledger.ParseRecordID(page.Records[0].ID)
		g.apply(id, ledger.Cancel{Reason: "meanwhile"})
	}
	if len(want) > 0 {
		t.Errorf("%d records are missing", len(want))
	}
}

// A key that is bound to targets lists those only, in one order.
func TestListOfBoundKey(t *testing.T) {
	g := newGateway(t, setup{guarded: true})
	for i := range 12 {
		g.submit([]string{"people", "eu/firms"}[i%2], onePerson)
	}
	admin, _ := g.minted(`{"scopes":["admin"]}`, "")
	both, _ := g.minted(`{"scopes":["read"],"targets":["people","firms"]}`, admin)
	one, _ := g.minted(`{"scopes":["read"],"targets":["people"]}`, admin)
	all := g.pages("limit=5", admin)
	if got := g.pages("limit=5", both); len(got) != 12 || !slices.EqualFunc(got, all, func(a, b record) bool { return a.ID == b.ID }) {
		t.Errorf("a key of both targets lists %d records, or in another order", len(got))
	}
	if got := g.pages("limit=5", one); len(got) != 6 || strings.Contains(fmt.Sprint(got), "eu/firms") {
		t.Errorf("a key of one target lists %d records, want 6 of its own", len(got))
	}
}
