package forward

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// Notifier posts short texts to a chat, as {"text": …}: Slack's incoming webhooks, and what speaks like them.
type Notifier struct {
	url string
	sender
}

// NewNotifier returns a notifier. Its URL is a secret: the error says what is wrong without it.
func NewNotifier(url string, reach Reach) (*Notifier, error) {
	if err := CheckURL(url); err != nil {
		return nil, wrong("alerts", err)
	}
	return &Notifier{url, newSender(reach, Settings{Concurrency: 1}, 0)}, nil
}

// Notify makes one try. The error tells why the text was not taken, and wait how long the chat asks to be left alone; 0 for
// nothing.
func (n *Notifier) Notify(ctx context.Context, text string) (wait time.Duration, err error) {
	body, _ := json.Marshal(map[string]string{"text": text}) // texts always encode
	answer := n.send(ctx, request{method: http.MethodPost, url: n.url, body: body, header: http.Header{"Content-Type": {"application/json"}}})
	if answer.Outcome != ledger.Delivered {
		return answer.RetryAfter, errors.New(answer.Reason)
	}
	return 0, nil
}

// Close ends idle connections. The notifier can be used again.
func (n *Notifier) Close() { n.close() }
