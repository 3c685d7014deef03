package forward

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"
)

// SecretPrefix begins a signing secret of Standard Webhooks.
const SecretPrefix = "whsec_"

// The least and the most bytes of a signing secret, by Standard Webhooks 1.0.
const (
	leastSecret = 24
	mostSecret  = 64
)

// secret is the key that signs messages.
type secret []byte

// parseSecret reads a secret in its written form, whsec_ and base64. The error does not show it.
func parseSecret(text string) (secret, error) {
	digits, ok := strings.CutPrefix(text, SecretPrefix)
	if !ok {
		return nil, errors.New("a signing secret begins with whsec_: make one with printf 'whsec_%s\\n' \"$(openssl rand -base64 32)\"")
	}
	key, err := base64.StdEncoding.DecodeString(digits)
	if err != nil || len(key) < leastSecret || len(key) > mostSecret {
		return nil, errors.New("a signing secret is whsec_ and the base64 of 24 to 64 bytes: make one with printf 'whsec_%s\\n' \"$(openssl rand -base64 32)\"")
	}
	return key, nil
}

// signature signs a message with each of the secrets, for the header webhook-signature: while secrets are being changed
// a receiver may know the old one or the new one.
func signature(secrets []secret, id string, at time.Time, body []byte) string {
	var all []string
	for _, s := range secrets {
		mac := hmac.New(sha256.New, s)
		mac.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
		mac.Write(body)
		all = append(all, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(all, " ")
}
