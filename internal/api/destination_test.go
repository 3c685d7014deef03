package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/claygate/claygate/internal/api"
	"github.com/claygate/claygate/internal/ledger"
)

func (f *fake) Destinations(ctx context.Context) ([]ledger.DestinationStatus, error) {
	unlock, err := f.begin(ctx)
	defer unlock()
	var all []ledger.DestinationStatus
	for name, reason := range f.disabled {
		all = append(all, ledger.DestinationStatus{Destination: name, Disabled: reason})
	}
	return all, err
}

func (f *fake) Redeliver(ctx context.Context, what ledger.Redelivery) (n int, err error) {
	unlock, err := f.begin(ctx)
	defer unlock()
	for _, id := range what.Records {
		again, err := f.targets[f.records[id].Target].Redeliveries(what.Destination, f.records[id])
		if err != nil {
			return 0, err
		}
		n += len(again)
	}
	return n, err
}

func (f *fake) Disable(ctx context.Context, destination, reason string) error {
	unlock, err := f.begin(ctx)
	defer unlock()
	if f.disabled == nil {
		f.disabled = map[string]string{}
	}
	f.disabled[destination] = reason
	return err
}

func (f *fake) Enable(ctx context.Context, destination string) error {
	unlock, err := f.begin(ctx)
	defer unlock()
	delete(f.disabled, destination)
	return err
}

func TestDestinations(t *testing.T) {
	g := newGateway(t, onDisk(t))
	done := g.submit("people", `{"fields":{"email":"a@example.com"}}`)
	open := g.submit("people", `{"fields":{"email":"b@example.com"}}`)
	g.finish(done, `{"title":"Countess"}`)
	redeliver := func(path, body string, status int, want string) {
		t.Helper()
		if got := g.do("POST", path, body); got.status != status || !strings.Contains(got.body, want) {
			t.Errorf("%s %s: %d %s, want %d %s", path, body, got.status, got.body, status, want)
		}
	}
	record := "/v1/records/" + done.String() + "/redeliver"
	redeliver(record, ``, 200, `"deliveries":1`)
	redeliver(record, `{"destination":"crm"}`, 200, `"deliveries":1`)
	redeliver(record, `{"destination":"elsewhere"}`, 404, "no such destination")
	redeliver(record, `{"target":"crm"}`, 400, "target")
	redeliver("/v1/records/"+open.String()+"/redeliver", ``, 409, "is queued")
	redeliver("/v1/redeliver", `{"records":["`+done.String()+`"]}`, 200, `"deliveries":1`)
	redeliver("/v1/redeliver", `{"records":["`+done.String()+`","`+open.String()+`"]}`, 409, "is queued")
	redeliver("/v1/redeliver", `{"records":[]}`, 400, "from 1 to 500")
	redeliver("/v1/redeliver", `{"records":["rec_"]}`, 400, "list of record IDs")
	redeliver("/v1/redeliver", `{}`, 400, "from 1 to 500")
	redeliver("/v1/destinations/crm/redeliver", ``, 200, `"deliveries":0`)
	redeliver("/v1/destinations/crm/disable", `{"reason":"so"}`, 200, `"disabled":"so","waiting":1`)
	redeliver("/v1/destinations/crm/enable", ``, 200, `"disabled":null,"waiting":1`)
	redeliver("/v1/destinations/nowhere/disable", ``, 404, "there is no destination")
	if all := decode[api.Destinations](t, g.do("GET", "/v1/destinations", "")).Destinations; len(all) != 1 || all[0].Name != "crm" {
		t.Errorf("destinations %+v", all)
	}
}

// A key that is bound to a target forwards nothing of another's, and hears nothing of the destinations.
func TestDestinationsAreNotOfEveryKey(t *testing.T) {
	g := newGateway(t, onDisk(t))
	done := g.submit("people", `{"fields":{"email":"a@example.com"}}`)
	g.finish(done, `{"title":"Countess"}`)
	guarded := newGateway(t, setup{store: g.store, hub: g.hub.Hub, guarded: true, stop: ended()})
	key := decode[api.APIKey](t, g.do("POST", "/v1/keys", `{"name":"firms","scopes":["replay","read","admin"],"targets":["eu/firms"]}`)).Key
	as := "Authorization: Bearer " + key
	for path, want := range map[string]int{
		"POST /v1/records/" + done.String() + "/redeliver": 404, "GET /v1/destinations": 403, "POST /v1/destinations/crm/disable": 403,
		"POST /v1/destinations/crm/enable": 403, "POST /v1/destinations/crm/redeliver": 403,
	} {
		method, path, _ := strings.Cut(path, " ")
		if got := guarded.do(method, path, "", as); got.status != want {
			t.Errorf("%s %s: %d %s, want %d", method, path, got.status, got.body, want)
		}
	}
	if got := guarded.do("POST", "/v1/redeliver", `{"records":["`+done.String()+`"]}`, as); got.status != http.StatusNotFound {
		t.Errorf("many: %d %s", got.status, got.body)
	}
	g.do("POST", "/v1/destinations/crm/disable", "")
	if got := guarded.do("GET", "/v1/events", "", as, "Last-Event-ID: 0"); strings.Contains(got.body, "destination.") {
		t.Errorf("it hears %s", got.body)
	}
	all := newGateway(t, setup{store: g.store, hub: g.hub.Hub, stop: ended()})
	if got := all.do("GET", "/v1/events", "", "Last-Event-ID: 0"); !strings.Contains(got.body, "event: destination.disabled") {
		t.Errorf("whoever may know hears %s", got.body)
	}
}
