package cli

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/claygate/claygate/clay/claytest"
)

func TestLookUpByRoutine(t *testing.T) {
	t.Parallel()
	w := newRoutineWorld(t, quick)
	w.env["CLAYGATE_PERSON_ROUTINE"] = "t_1"
	r := w.run("person", "Ada.Lovelace@leads.example")
	var found map[string]any
	if err := json.Unmarshal([]byte(r.out), &found); err != nil || r.code != exitOK || found["claygate_status"] != "ok" || found["name"] == "" || r.err != "" {
		t.Fatalf("exit %d: %s%s", r.code, r.out, r.err)
	}
	// The failure it prevents: looking at the same person again is paid for again.
	if r := w.run("person", "ada.lovelace@LEADS.example"); !strings.Contains(r.out, `"claygate_status":"cached"`) || w.clay.Stats().Items != 1 {
		t.Errorf("again: %d items at Clay\n%s%s", w.clay.Stats().Items, r.out, r.err)
	}
	if r := w.run("person", "ada.lovelace@leads.example", "--max-age", "0"); r.code != exitOK || w.clay.Stats().Items != 2 {
		t.Errorf("--max-age 0: exit %d, %d items at Clay\n%s", r.code, w.clay.Stats().Items, r.err)
	}
	if r := w.run("company", "brightforge.example", "--routine", "t_2"); r.code != exitOK || !strings.Contains(r.out, "industry") {
		t.Errorf("exit %d: %s%s", r.code, r.out, r.err)
	}
}

func TestLookUpByEnterpriseKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t, claytest.Options{Enterprise: claytest.Enterprise{Key: keyCanary}, Misses: -1})
	w.env = map[string]string{"HOME": w.dir, "CLAY_ENTERPRISE_API_KEY": keyCanary, "CLAY_API_URL": w.clay.URL()}
	for _, args := range [][]string{{"person", "ada.lovelace@leads.example"}, {"company", "brightforge.example", "--json"}} {
		if r := w.run(args...); r.code != exitOK || !strings.Contains(r.out, `"claygate_status":"ok"`) {
			t.Errorf("%v: exit %d: %s%s", args, r.code, r.out, r.err)
		}
	}
}

// The failure it prevents: an endpoint that Clay has retired leaves a lookup behind that is sent, and paid for, later.
func TestLookUpAtARetiredEndpoint(t *testing.T) {
	t.Parallel()
	w := newWorld(t, claytest.Options{})
	w.env = map[string]string{"HOME": w.dir, "CLAY_API_KEY": keyCanary, "CLAY_API_URL": w.clay.URL()}
	r := w.run("person", "ada.lovelace@leads.example")
	if r.code != exitNotFound || r.out != "" || !strings.Contains(r.err, "--routine or CLAYGATE_PERSON_ROUTINE") {
		t.Errorf("exit %d: %s%s", r.code, r.out, r.err)
	}
	if r := w.run("records", "list", "--state", "queued"); r.out != "" {
		t.Errorf("left behind: %s", r.out)
	}
}

func TestLookUpOfNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, claytest.Options{PublicAPI: quick, Misses: 1})
	w.env = map[string]string{"HOME": w.dir, "CLAY_API_KEY": keyCanary, "CLAY_API_URL": w.clay.URL()}
	r := w.run("person", "ada.lovelace@leads.example", "--routine", "t_1")
	if r.code != exitNotFound || !strings.Contains(r.err, "knows nobody") || !strings.Contains(r.out, `"claygate_status":"not_found"`) {
		t.Errorf("exit %d: %s%s", r.code, r.out, r.err)
	}
}

func TestWhoami(t *testing.T) {
	t.Parallel()
	w := newRoutineWorld(t, quick)
	r := w.run("whoami")
	for _, text := range []string{`"set_by":"CLAY_API_KEY"`, `"state":"works"`, `"workspace":"ws_emulated"`, `"credits":10000`, `"surface":"webhook"`, `"state":"not_set"`} {
		if !strings.Contains(r.out, text) || r.code != exitOK {
			t.Errorf("exit %d, without %s:\n%s%s", r.code, text, r.out, r.err)
		}
	}
	w.env["CLAY_PUBLIC_API_KEY"] = "wr0ng" + keyCanary
	if r := w.run("whoami"); r.code != exitAuth || !strings.Contains(r.err, "Clay does not know the key in CLAY_PUBLIC_API_KEY") || !strings.Contains(r.out, `"state":"refused"`) {
		t.Errorf("a wrong key: exit %d\n%s%s", r.code, r.out, r.err)
	}
	delete(w.env, "CLAY_PUBLIC_API_KEY")
	delete(w.env, "CLAY_API_KEY")
	if r := w.run("whoami"); r.code != exitInvalid {
		t.Errorf("no key: exit %d\n%s", r.code, r.err)
	}
}

func TestWhoamiOfAConfiguration(t *testing.T) {
	t.Parallel()
	w := newRoutineWorld(t, quick)
	path := w.file("claygate.yaml", "workspaces:\n  main:\n    base_url: "+w.clay.URL()+"\n    public_api_key: env:CLAY_API_KEY\n    routines: {work-email: {routine: \"function:t_1\"}}\n")
	r := w.run("whoami", "-c", path)
	if r.code != exitOK || !strings.Contains(r.out, `"surface":"main: public api","set_by":"env:CLAY_API_KEY"`) || !strings.Contains(r.out, `"state":"works"`) {
		t.Errorf("exit %d: %s%s", r.code, r.out, r.err)
	}
}

func TestRoutines(t *testing.T) {
	t.Parallel()
	w := newRoutineWorld(t, quick)
	if r := w.run("routines"); r.code != exitOK || strings.Count(r.out, "\n") != 2 || !strings.Contains(r.out, `"id":"function:t_demo"`) {
		t.Errorf("of the emulator: exit %d\n%s%s", r.code, r.out, r.err)
	}
	if err := w.clay.SetFaults(claytest.Fault{Kind: claytest.Answer, Status: []int{404}, Path: "/tools"}); err != nil {
		t.Fatal(err)
	}
	if r := w.run("routines"); r.code != exitNotFound || !strings.Contains(r.err, "Open the function in Clay") {
		t.Errorf("where Clay does not list them: exit %d\n%s", r.code, r.err)
	}
	w.tools(workEmail, funding)
	r := w.run("routines")
	if lines := strings.Count(r.out, "\n"); r.code != exitOK || lines != 2 || !strings.Contains(r.out, `"name":"Email","type":"string","required":true`) || !strings.Contains(r.out, `"price":{}`) {
		t.Errorf("exit %d: %s%s", r.code, r.out, r.err)
	}
	if r := w.run("routines", "t_1"); r.code != exitOK || !strings.Contains(r.out, `"credits":2.5`) {
		t.Errorf("exit %d: %s%s", r.code, r.out, r.err)
	}
	if r := w.run("routines", "t_9"); r.code != exitNotFound {
		t.Errorf("an unknown one: exit %d: %s", r.code, r.err)
	}
}

func TestNumber(t *testing.T) {
	t.Parallel()
	for n, want := range map[float64]string{0: "0", 12: "12", 1234: "1,234", 1234567.891: "1,234,567.89", -1000: "-1,000", 0.5: "0.5"} {
		if got := number(n); got != want {
			t.Errorf("number(%v) = %s, want %s", n, got, want)
		}
	}
}

// The failure it prevents: a balance that cannot be had keeps a routine from running.
func TestBalanceIsNoNeed(t *testing.T) {
	t.Parallel()
	client, err := publicClient("http://127.0.0.1:1", "key")
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if b, err := balanceOf(t.Context(), client); b != nil || err != nil {
		t.Errorf("%v, %v", b, err)
	}
	if e := errors.New("x"); refusedKey("", e) != e {
		t.Error("another error is changed")
	}
}
