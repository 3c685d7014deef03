package client_test

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/claygate/claygate/client"
)

// The signature of this message is the one that the Standard Webhooks project publishes for its libraries' tests.
const (
	theirSecret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	theirID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	theirStamp     = "1614265330"
	theirBody      = `{"test": 2432232314}`
	theirSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	otherSecret    = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5"
)

func theirHeader() http.Header {
	h := http.Header{}
	h.Set("webhook-id", theirID)
	h.Set("webhook-timestamp", theirStamp)
	h.Set("webhook-signature", theirSignature)
	return h
}

// at runs a test at a time.
func at(t *testing.T, when time.Time, test func(*testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		<-time.After(time.Until(when))
		test(t)
	})
}

var theirTime = time.Unix(1614265330, 0)

func TestVerifyWebhook(t *testing.T) {
	for name, tt := range map[string]struct {
		change  func(http.Header)
		body    string
		secrets []string
		after   time.Duration
		want    string // of the error; "" for none
		foreign bool   // the error is not that it is not authentic
	}{
		"as it was sent":        {},
		"the other secret too":  {secrets: []string{otherSecret, theirSecret}},
		"signed by two":         {change: func(h http.Header) { h.Set("webhook-signature", "v1,AAAA "+theirSignature) }},
		"in two headers":        {change: func(h http.Header) { h.Add("webhook-signature", "v2,AAAA") }},
		"just in time":          {after: client.WebhookTolerance - time.Second},
		"too late":              {after: client.WebhookTolerance + time.Second, want: "too far from now"},
		"another secret":        {secrets: []string{otherSecret}, want: "none of the secrets"},
		"another body":          {body: `{"test": 2432232315}`, want: "none of the secrets"},
		"another id":            {change: func(h http.Header) { h.Set("webhook-id", "msg_1") }, want: "none of the secrets"},
		"another time":          {change: func(h http.Header) { h.Set("webhook-timestamp", "1614265331") }, want: "none of the secrets"},
		"no id":                 {change: func(h http.Header) { h.Del("webhook-id") }, want: "missing or wrong"},
		"no time":               {change: func(h http.Header) { h.Set("webhook-timestamp", "soon") }, want: "missing or wrong"},
		"no signature":          {change: func(h http.Header) { h.Del("webhook-signature") }, want: "none of the secrets"},
		"of another version":    {change: func(h http.Header) { h.Set("webhook-signature", "v1a"+theirSignature[2:]) }, want: "none of the secrets"},
		"no base64":             {change: func(h http.Header) { h.Set("webhook-signature", "v1,!") }, want: "none of the secrets"},
		"an empty signature":    {change: func(h http.Header) { h.Set("webhook-signature", "v1,") }, want: "none of the secrets"},
		"no secret":             {secrets: []string{}, want: "no secret", foreign: true},
		"a secret that is none": {secrets: []string{"hush"}, want: "secret 1 is not", foreign: true},
		"an empty secret":       {secrets: []string{"whsec_"}, want: "secret 1 is not", foreign: true},
	} {
		t.Run(name, func(t *testing.T) {
			at(t, theirTime.Add(tt.after), func(t *testing.T) {
				h, body, secrets := theirHeader(), theirBody, []string{theirSecret}
				if tt.change != nil {
					tt.change(h)
				}
				if tt.body != "" {
					body = tt.body
				}
				if tt.secrets != nil {
					secrets = tt.secrets
				}
				got, err := client.VerifyWebhook(h, []byte(body), secrets...)
				switch {
				case tt.want == "" && (err != nil || got.ID != theirID || !got.SentAt.Equal(theirTime)):
					t.Errorf("%+v, %v", got, err)
				case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || errors.Is(err, client.ErrSignature) == tt.foreign):
					t.Errorf("error %v, want %q", err, tt.want)
				}
			})
		})
	}
}

func FuzzVerifyWebhook(f *testing.F) {
	f.Add(theirID, theirStamp, theirSignature, []byte(theirBody))
	f.Add("", "-1", "v1, ,", []byte("{"))
	f.Fuzz(func(t *testing.T, id, stamp, signature string, body []byte) {
		h := http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {stamp}, "Webhook-Signature": {signature}}
		if got, err := client.VerifyWebhook(h, body, otherSecret); err == nil {
			t.Errorf("%+v was believed", got)
		}
	})
}

// A handler that receives what a gateway forwards.
func ExampleVerifyWebhook() {
	http.HandleFunc("POST /hooks/clay", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			http.Error(w, "too large", http.StatusRequestEntityTooLarge)
			return
		}
		hook, err := client.VerifyWebhook(r.Header, body, os.Getenv("CLAYGATE_SIGNING_SECRET"))
		if errors.Is(err, client.ErrSignature) {
			http.Error(w, "not authentic", http.StatusUnauthorized)
			return
		}
		if err != nil {
			log.Print(err)
			http.Error(w, "not understood", http.StatusInternalServerError) // it is tried again
			return
		}
		// Deliveries are made at least once: keep hook.ID, and pass over what came before.
		fmt.Println(hook.Type, hook.Record.ID, hook.Record.Revision)
	})
}
