package api_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/claygate/claygate/internal/api"
	"github.com/claygate/claygate/internal/ledger"
)

// A target says when each of its webhooks will be used up, and nothing of their URLs.
func TestWebhooksFill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const day = 24 * time.Hour
		f := newFake(people, firms)
		f.flows = map[ledger.Digest]ledger.Flow{people.Webhooks[0].ID: {WebhookUse: ledger.WebhookUse{Submissions: 49_000}, Taken: 400, Span: 4 * day}}
		got := newGateway(t, setup{store: f, hub: f.hub}).do("GET", "/v1/targets", "")
		w := decode[api.Targets](t, got).Targets[0].Webhooks[0]
		if w.Used != 49_000 || w.Limit != 50_000 || w.PerDay == nil || *w.PerDay != 100 || w.FullAt == nil || !w.FullAt.Equal(time.Now().Add(10*day)) {
			t.Errorf("the webhook is %+v", w)
		}
		if strings.Contains(got.body, "http") {
			t.Errorf("a URL shows: %s", got.body)
		}
	})
}
