package forward

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// Webhook is a destination that is told by signed webhooks, as Standard Webhooks 1.0 has them.
type Webhook struct {
	Settings
	// URL is where messages are posted; "" for records' own URLs.
	URL string
	// Secrets sign, each of them: more than one while they are being changed. They are written whsec_….
	Secrets []string
	// Reach is which addresses the URL may lead to. Default [Public].
	Reach Reach
	// Timeout of a try. Default [DefaultTimeout].
	Timeout time.Duration
}

// The headers of a signed webhook.
const (
	headerID        = "Webhook-Id"
	headerTimestamp = "Webhook-Timestamp"
	headerSignature = "Webhook-Signature"
)

// webhook is the driver of signed webhooks.
type webhook struct {
	url     string
	secrets []secret
	sender
}

// NewWebhook returns a destination. The error says what is wrong, without the URL and the secrets.
func NewWebhook(w Webhook) (*Destination, error) {
	d := &webhook{url: w.URL, sender: newSender(w.Reach, w.Settings, w.Timeout)}
	d.own = w.URL == ""
	if w.URL != "" {
		if err := CheckURL(w.URL); err != nil {
			return nil, wrong(w.Name, err)
		}
	}
	if len(w.Secrets) == 0 {
		return nil, wrong(w.Name, fmt.Errorf("it has no signing secret"))
	}
	for _, text := range w.Secrets {
		s, err := parseSecret(text)
		if err != nil {
			return nil, wrong(w.Name, err)
		}
		d.secrets = append(d.secrets, s)
	}
	return newDestination(w.Settings, d, 1), nil
}

func wrong(name string, err error) error {
	return &ledger.Error{Kind: ledger.Invalid, Op: "configuration", Message: "destination " + name + ": " + err.Error()}
}

// maxURL is the longest URL.
const maxURL = 2048

// CheckURL says what is wrong with a URL that is to be posted to, without showing it: it may hold a secret.
func CheckURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || len(text) > maxURL || u.Hostname() == "" || u.Opaque != "" || u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("it is not a URL like https://host/path of at most %d bytes", maxURL)
	case u.User != nil:
		return fmt.Errorf("its URL holds a user name or password: leave them out")
	}
	return nil
}

// deliver implements driver.
func (w *webhook) deliver(ctx context.Context, batch []message) []ledger.DeliveryAnswer {
	answers := make([]ledger.DeliveryAnswer, len(batch))
	for i, m := range batch {
		at := time.Now()
		answers[i] = w.send(ctx, request{method: http.MethodPost, url: cmp.Or(w.url, m.record.CallbackURL), body: m.body, via: m.via, header: http.Header{
			"Content-Type": {"application/json"}, headerID: {m.id}, headerTimestamp: {strconv.FormatInt(at.Unix(), 10)},
			headerSignature: {signature(w.secrets, m.id, at, m.body)},
		}})
	}
	return answers
}
