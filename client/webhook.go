package client

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Delivery is what a gateway tells a destination: the end of a record, or a change of its result.
type Delivery struct {
	// ID names the news. It is the same however often it is delivered: what came before can be passed over.
	ID string `json:"id"`
	// Type is "record.done", "record.updated", "record.failed", "record.expired" or "record.canceled".
	Type string `json:"type"`
	// At is when it happened; SentAt is when it was sent this time.
	At     time.Time `json:"timestamp"`
	SentAt time.Time `json:"-"`
	// Record is the record as it stood when it was sent. Of two webhooks about one record the higher Revision is the newer.
	Record Record `json:"data"`
	// Computed are the fields that the destination's configuration adds; nil for none.
	Computed map[string]json.RawMessage `json:"computed"`
}

// WebhookTolerance is how far the time at which a webhook says that it was sent may be from the receiver's clock.
const WebhookTolerance = 5 * time.Minute

// ErrSignature says that none of the secrets made a webhook's signature, or that it was sent too long ago: answer 401.
var ErrSignature = errors.New("client: the webhook is not authentic")

// VerifyWebhook checks a webhook that a gateway sent, by Standard Webhooks 1.0, and reads it. Header and body are the
// request's, the body byte for byte; secrets are those that are valid, whsec_…, more than one while they are being
// changed.
//
// The error is [ErrSignature] for what is not authentic. Any other says that it is authentic and not understood, or that
// a secret is none.
func VerifyWebhook(header http.Header, body []byte, secrets ...string) (Delivery, error) {
	id, stamp := header.Get("Webhook-Id"), header.Get("Webhook-Timestamp")
	keys, err := signingKeys(secrets)
	if err != nil {
		return Delivery{}, err
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || id == "" {
		return Delivery{}, fmt.Errorf("%w: its webhook-id or webhook-timestamp is missing or wrong", ErrSignature)
	}
	if !madeBy(keys, id+"."+stamp+".", body, header.Values("Webhook-Signature")) {
		return Delivery{}, fmt.Errorf("%w: none of the secrets made its signature", ErrSignature)
	}
	sent := time.Unix(seconds, 0)
	if off := time.Since(sent); off > WebhookTolerance || off < -WebhookTolerance {
		return Delivery{}, fmt.Errorf("%w: it was sent at %s, too far from now", ErrSignature, sent.UTC().Format(time.RFC3339))
	}
	w := Delivery{SentAt: sent}
	if err := json.Unmarshal(body, &w); err != nil {
		return Delivery{}, fmt.Errorf("client: the webhook is not the JSON expected: %w", err)
	}
	w.ID = id
	return w, nil
}

// signingKeys reads secrets. An error does not show them.
func signingKeys(secrets []string) ([][]byte, error) {
	var keys [][]byte
	for i, text := range secrets {
		digits, ok := strings.CutPrefix(text, "whsec_")
		key, err := base64.StdEncoding.DecodeString(digits)
		if !ok || err != nil || len(key) == 0 {
			return nil, fmt.Errorf("client: secret %d is not whsec_ and base64", i+1)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errors.New("client: no secret is given to verify the webhook with")
	}
	return keys, nil
}

// madeBy compares in constant time, and all of them whatever the first one gave.
func madeBy(keys [][]byte, prefix string, body []byte, headers []string) bool {
	right := false
	for _, signature := range strings.Fields(strings.Join(headers, " ")) {
		text, ok := strings.CutPrefix(signature, "v1,")
		got, err := base64.StdEncoding.DecodeString(text)
		for _, key := range keys {
			mac := hmac.New(sha256.New, key)
			mac.Write([]byte(prefix))
			mac.Write(body)
			right = hmac.Equal(mac.Sum(nil), got) && ok && err == nil || right
		}
	}
	return right
}
