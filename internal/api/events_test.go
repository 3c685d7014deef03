package api_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/internal/ledger"
)

// listener is a client that follows events in a bubble of time.
type listener struct {
	*httptest.ResponseRecorder
	leave context.CancelFunc
	over  chan struct{}
}

func (g *gateway) listen(path string, headers ...string) *listener {
	ctx, leave := context.WithCancel(context.Background())
	l := &listener{ResponseRecorder: httptest.NewRecorder(), leave: leave, over: make(chan struct{})}
	r := request("GET", path, "", headers...).WithContext(ctx)
	go func() {
		defer close(l.over)
		g.handler.ServeHTTP(l, r)
	}()
	synctest.Wait()
	return l
}

// told leaves and returns what came: "id kind" of each event, "-" for a heartbeat.
func (l *listener) told() []string {
	l.leave()
	<-l.over
	var all []string
	id := ""
	for line := range strings.Lines(l.Body.String()) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch name {
		case "id":
			id = value
		case "event":
			all = append(all, id+" "+value)
		case "":
			if value != "" {
				all = append(all, "-")
			}
		}
	}
	return all
}

func TestEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t, setup{})
		g.do("POST", "/v1/stop", "") // 1: before anybody listens
		all := g.listen("/v1/events")
		firms := g.listen("/v1/events?target=firms")
		a, b := g.submit("people", "{\"fields\":{\"email\":\"a@example.com\"},\"metadata\":{\n\"n\":\r\n1}}"), g.submit("eu/firms", onePerson)
		g.finish(a, "{\"title\":\n \"Countess <&>\"}")        // 2
		g.finish(a, `{"phone":"1"}`)                          // 3: another result
		g.do("POST", "/v1/records/"+b.String()+"/cancel", "") // 4
		g.do("POST", "/v1/targets/eu/firms/pause", "")        // 5
		g.do("POST", "/v1/targets/eu/firms/resume", "")       // 6
		synctest.Wait()
		time.Sleep(16 * time.Second)
		synctest.Wait()
		g.do("POST", "/v1/start", "") // 7
		synctest.Wait()
		checkAnswer(t, request("GET", "/v1/events", ""), reply{status: 200, header: all.Header(), body: all.Body.String()})
		want := []string{"2 record.done", "3 record.updated", "4 record.canceled", "5 target.paused", "6 target.resumed", "-", "7 started"}
		if diff := cmp.Diff(want, all.told()); diff != "" {
			t.Errorf("everything (-want +got):\n%s", diff)
		}
		want = []string{"4 record.canceled", "5 target.paused", "6 target.resumed", "-", "7 started"}
		if diff := cmp.Diff(want, firms.told()); diff != "" {
			t.Errorf("one target (-want +got):\n%s", diff)
		}
		if !strings.HasPrefix(all.Body.String(), "id: 1\nretry: ") || !strings.Contains(all.Body.String(), `Countess <&>`) {
			t.Errorf("the stream is %s", all.Body.String())
		}
		resumed := g.listen("/v1/events", "Last-Event-ID: 5")
		if diff := cmp.Diff([]string{"6 target.resumed", "7 started"}, resumed.told()); diff != "" {
			t.Errorf("resumed (-want +got):\n%s", diff)
		}
		foreign := g.listen("/v1/events", "Last-Event-ID: 99999") // of a ledger that is no more
		g.do("POST", "/v1/stop", "")
		synctest.Wait()
		if diff := cmp.Diff([]string{"8 stopped"}, foreign.told()); diff != "" {
			t.Errorf("from beyond the end (-want +got):\n%s", diff)
		}
	})
}

// Whoever was away for long gets everything in its order, and once.
func TestEventsCatchUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t, setup{})
		var want []string
		for i := range 350 {
			g.finish(g.submit("people", fmt.Sprintf(`{"fields":{"n":%d}}`, i)), `{}`)
			want = append(want, fmt.Sprint(i+1, " record.done"))
		}
		if diff := cmp.Diff(want, g.listen("/v1/events", "Last-Event-ID: 0").told()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// The events of a target can be followed when it is no longer configured: what was sent still calls back.
func TestEventsOfTargetThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t, setup{})
		firm := g.submit("eu/firms", onePerson)
		g.configured = g.configured[:1]
		l := g.listen("/v1/events?target=eu/firms")
		g.finish(firm, `{}`)
		synctest.Wait()
		if diff := cmp.Diff([]string{"1 record.done"}, l.told()); l.Code != 200 || diff != "" {
			t.Errorf("%d, -want +got\n%s", l.Code, diff)
		}
	})
}

func TestEventsOfBoundKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t, setup{guarded: true})
		people, firm := g.submit("people", onePerson), g.submit("eu/firms", onePerson)
		admin, _ := g.minted(`{"scopes":["admin"]}`, "")
		bound, _ := g.minted(`{"scopes":["read"],"targets":["people"]}`, admin)
		l := g.listen("/v1/events", bound)
		g.finish(firm, `{}`)
		g.finish(people, `{}`)
		g.do("POST", "/v1/targets/eu/firms/pause", "", admin)
		synctest.Wait()
		if diff := cmp.Diff([]string{"2 record.done"}, l.told()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// A gateway that stops, and a ledger that fails, end the stream: its client comes back and asks from where it was.
func TestEventsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop, end := context.WithCancel(t.Context())
		g := newGateway(t, setup{stop: stop})
		f := g.store.(*fake)
		first := g.listen("/v1/events")
		f.fail(&ledger.Error{Kind: ledger.Unavailable, Op: "read"})
		topics := map[any]struct{}{ledger.Announced: {}}
		f.hub.Publish(topics)
		<-first.over
		f.fail(nil)
		second := g.listen("/v1/events")
		end()
		<-second.over
		if n := g.hub.waiting.Load(); n != 0 {
			t.Errorf("%d still wait", n)
		}
		first.leave()
		second.leave()
	})
}
