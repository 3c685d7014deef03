package cli

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/clay/claytest"
)

// setupWorld is a world whose column was set up with a mistake, or with none.
func setupWorld(t *testing.T, m claytest.Mistake) *world {
	t.Helper()
	w := newWorld(t, claytest.Options{Misses: -1})
	w.env["CLAYGATE_CALLBACK_LISTEN"] = w.callback
	w.env["CLAYGATE_PUBLIC_URL"] = "http://" + w.callback
	w.setColumn(t, m)
	return w
}

func (w *world) setColumn(t *testing.T, m claytest.Mistake) {
	t.Helper()
	c := claytest.Column{
		URL: "http://" + w.callback + "/callbacks/default", Delay: claytest.Delay{Max: -1},
		Header: map[string][]string{"X-Claygate-Secret": {secretCanary}},
	}
	var err error
	if m != "" {
		c, err = c.Botched(m)
	}
	if err == nil {
		err = w.clay.SetColumn(c)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestSetup(t *testing.T) {
	w := setupWorld(t, "")
	r := w.run("setup", "default", "email=ada.lovelace@leads.example", "--results", "name,title")
	for _, want := range []string{
		"email, claygate_id", `{"claygate_id": "<1>", "name": "<2>", "title": "<3>"}`, "http://" + w.callback + "/callbacks/default",
		"env:CLAYGATE_CALLBACK_SECRET", "408,413,429,500-504", "The column is right. It sent: company, ",
	} {
		if !strings.Contains(r.out, want) {
			t.Errorf("it never said %q, but:\n%s%s", want, r.out, r.err)
		}
	}
	if rows := w.clay.Rows(); r.code != exitOK || len(rows) != 1 {
		t.Errorf("exit %d, %d rows at Clay, want 1", r.code, len(rows))
	}
	if strings.Contains(r.out, "Ada") {
		t.Errorf("what the row holds is shown:\n%s", r.out)
	}
	r = w.run("setup", "default", "email=ada.lovelace@leads.example", "--yes", "--json")
	var events []string
	for line := range strings.Lines(r.out) {
		var e struct{ Event string }
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%q is no JSON: %v", line, err)
		}
		events = append(events, e.Event)
	}
	if diff := cmp.Diff([]string{"column", "done"}, events); diff != "" || r.code != exitOK || len(w.clay.Rows()) != 2 {
		t.Errorf("again, exit %d, %d rows (-want +got):\n%s", r.code, len(w.clay.Rows()), diff)
	}
}

// Each known mistake is named, and when it is mended and the cell run again, the column is right.
func TestSetupNamesMistakes(t *testing.T) {
	named := map[claytest.Mistake]string{
		claytest.TypedID:     "claygate_id holds a reference that was typed as text",
		claytest.TypedFields: "the field title holds a reference that was typed as text",
		claytest.ObjectID:    "claygate_id arrived as [object Object]",
		claytest.MissingID:   "claygate_id is missing",
		claytest.EmptyID:     "claygate_id is empty",
		claytest.WrongHeader: "X-Claygate-Secret is missing or wrong",
	}
	for _, m := range claytest.Mistakes() {
		want, calls := named[m]
		t.Run(string(m), func(t *testing.T) {
			w := setupWorld(t, m)
			if !calls {
				r := w.run("setup", "default", "email=ada.lovelace@leads.example", "--wait", "2s")
				if r.code != exitOther || !strings.Contains(r.err, "Some inputs missing") || !strings.Contains(r.err, "Run condition not met") {
					t.Errorf("exit %d, %s%s", r.code, r.out, r.err)
				}
				return
			}
			c := w.start("setup", "default", "email=ada.lovelace@leads.example")
			c.untilOut(want)
			c.untilOut("run the cell again")
			w.setColumn(t, "")
			w.clay.RunAll()
			if r := c.wait(); r.code != exitOK || !strings.Contains(r.out, "The column is right") {
				t.Errorf("after it was mended: exit %d\n%s%s", r.code, r.out, r.err)
			}
		})
	}
}

// The failure it prevents: after a call that was refused, and named as that, the end said that nothing had called.
func TestSetupEndsWithWhatWasWrong(t *testing.T) {
	w := setupWorld(t, claytest.MissingID)
	r := w.run("setup", "default", "email=ada.lovelace@leads.example", "--wait", "1s")
	if r.code != exitOther || !strings.Contains(r.err, "it called, and the field claygate_id is missing") || strings.Contains(r.err, "nothing has called") {
		t.Errorf("exit %d, %s%s", r.code, r.out, r.err)
	}
}

// untilOut is until, for stdout.
func (c *command) untilOut(text string) {
	c.w.t.Helper()
	if !c.out.wait(c.w.t.Context(), text) {
		c.w.t.Fatalf("the command never said %q, but:\n%s%s", text, c.out, c.err)
	}
}

func TestSetupThroughAGateway(t *testing.T) {
	w := setupWorld(t, "")
	server := w.start("serve", "--listen", "127.0.0.1:0")
	server.until(`"msg":"serving"`)
	if r := w.run("setup", "default", "email=ada.lovelace@leads.example"); r.code != exitOK || !strings.Contains(r.out, "which the gateway takes") {
		t.Errorf("exit %d, %s%s", r.code, r.out, r.err)
	}
	w.setColumn(t, claytest.TypedFields)
	if r := w.run("setup", "default", "email=grace.hopper@leads.example", "--json"); r.code != exitSomeFailed || !strings.Contains(r.out, "typed as text") {
		t.Errorf("typed fields: exit %d, %s%s", r.code, r.out, r.err)
	}
	w.setColumn(t, claytest.TypedID)
	c := w.start("setup", "default", "email=joan.clarke@leads.example")
	server.until("typed as text") // the gateway's log says it
	c.interrupt <- os.Interrupt
	if r := c.wait(); r.code != exitInterrupted {
		t.Errorf("interrupted: exit %d, %s", r.code, r.err)
	}
	server.interrupt <- os.Interrupt
	w.check(server.wait())
}

func TestSetupRefuses(t *testing.T) {
	tests := map[string]struct {
		args []string
		env  map[string]string
		code int
		says string
	}{
		"no row":          {[]string{"default"}, nil, exitInvalid, "one row"},
		"no target":       {[]string{"people", "email=a"}, nil, exitNotFound, "name one of: default"},
		"a lookup":        {[]string{"person", "email=a"}, map[string]string{"CLAY_ENTERPRISE_API_KEY": keyCanary, "CLAY_WEBHOOK_URL": ""}, exitInvalid, "no HTTP API column"},
		"nobody to ask":   {[]string{"default", "email=a"}, map[string]string{"CLAY_WEBHOOK_URL": "https://api.clay.com/v3/sources/webhook/" + hookCanary}, exitInvalid, "--yes"},
		"no public URL":   {[]string{"default", "email=a"}, map[string]string{"CLAY_WEBHOOK_URL": "https://api.clay.com/v3/sources/webhook/" + hookCanary, "CLAYGATE_PUBLIC_URL": ""}, exitInvalid, "--public-url"},
		"nothing set":     {[]string{"default", "email=a"}, map[string]string{"CLAY_WEBHOOK_URL": ""}, exitInvalid, "no key and no webhook"},
		"an empty file":   {[]string{"default", os.DevNull}, nil, exitInvalid, ""},
		"a wrong token":   {[]string{"default", "email=a"}, map[string]string{"CLAY_WEBHOOK_TOKEN": "wrong"}, exitAuth, "without Bearer"},
		"an emulated one": {[]string{"default", "email=a", "--emulate"}, nil, exitInvalid, "claygate emulate"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := setupWorld(t, "")
			for variable, value := range tt.env {
				w.env[variable] = value
			}
			if r := w.run(append([]string{"setup"}, tt.args...)...); r.code != tt.code || !strings.Contains(r.err, tt.says) {
				t.Errorf("exit %d, want %d with %q: %s%s", r.code, tt.code, tt.says, r.out, r.err)
			}
			if len(w.clay.Rows()) > 0 {
				t.Error("a row was sent")
			}
		})
	}
}
