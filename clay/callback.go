package clay

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"
)

// Callback is one POST from a column of Clay.
type Callback struct {
	// Body is the JSON value that the column sent. Read it with Decode.
	Body json.RawMessage
	// Header are the request's header fields, without the secret.
	Header http.Header
	// Received is when its body had been read.
	Received time.Time
}

// Decode reads the body into v as Unmarshal does, with Clay's quirks. The error is of
// KindInvalid, so that a Store may return it as it is; a body that is null or empty text
// is an error, too, because it says nothing.
func (c Callback) Decode(v any) error { return decodeCallback(c.Body, v) }

func decodeCallback(body []byte, v any) error {
	err := Unmarshal(body, v)
	if err != nil {
		err = withoutValue(err)
	} else if text := string(bytes.TrimSpace(body)); text == "null" || text == `""` {
		err = errors.New("it is " + text)
	}
	if err == nil {
		return nil
	}
	return refused("callback", KindInvalid, "compare the column's body with the Go type",
		fmt.Errorf("the body does not fit %T: %w", v, err))
}

// CallbackConfig says how to receive callbacks. Store and one of Secrets and
// Authenticate are needed; the zero value of every other field means its default.
type CallbackConfig struct {
	// Secrets are the values accepted in the header named Header. Give the column an
	// "HTTP API (Headers) account" with it. Two at a time let you rotate one without
	// losing callbacks. Clay signs nothing, so a secret is all there is (docs/clay.md).
	Secrets []string
	// Header is the name of that header field. Default X-Callback-Secret.
	Header string
	// Authenticate, if set, is asked as well; its error means 401. It is asked before the
	// body is read and must not read it.
	Authenticate func(*http.Request) error

	// Store keeps a callback, durably if you care for it. Clay hears 200 only once it
	// has returned nil. When it fails Clay hears 429 and, by default, tries once more,
	// so it may see a callback again and must not mind. An error of KindInvalid
	// means that the callback itself is at fault: 400, no further try. It runs in the
	// request's goroutine; its context ends with Timeout and outlives Clay's hanging up.
	Store func(context.Context, Callback) error
	// After, if set, runs after the answer, e.g. to look at what was stored. Its
	// context ends when Shutdown gives up waiting.
	After func(context.Context, Callback)
	// Queue bounds how many calls of After may wait or run. A callback for which there
	// is no room is refused with 429 before it is stored. Default 1,000.
	Queue int
	// Workers bounds how many calls of After run at a time. Default 4.
	Workers int

	// MaxBytes bounds the body. Default 1 MiB.
	MaxBytes int64
	// Timeout bounds reading the body and Store together. Default 25 s, so that Clay
	// hears an answer before it gives up: a column's timeout is 1 to 100 s, its default
	// is not documented, 30 s is assumed.
	Timeout time.Duration
	// Logger gets one line per callback that was not stored. Default: none. It is never
	// given a body or a header's value.
	Logger *slog.Logger
}

func (c CallbackConfig) withDefaults() CallbackConfig {
	c.Header = cmp.Or(c.Header, "X-Callback-Secret")
	c.Queue = cmp.Or(c.Queue, 1000)
	c.Workers = cmp.Or(c.Workers, 4)
	c.MaxBytes = cmp.Or(c.MaxBytes, 1<<20)
	c.Timeout = cmp.Or(c.Timeout, 25*time.Second)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func (c CallbackConfig) validate() error {
	switch {
	case c.Store == nil:
		return badCallback("set Store to a function that keeps the callback", errors.New("no Store is set"))
	case len(c.Secrets) == 0 && c.Authenticate == nil:
		return badCallback("set Secrets or Authenticate: whoever finds the address could otherwise send what he likes",
			errors.New("callbacks would not be authenticated"))
	case c.Queue < 0 || c.Workers < 0 || c.MaxBytes < 0 || c.Timeout < 0:
		return badCallback("use 0 for the default", errors.New("one of Queue, Workers, MaxBytes and Timeout is negative"))
	}
	for i, s := range c.Secrets {
		if len(s) < 16 {
			return badCallback("use at least 16 characters, e.g. the output of `openssl rand -hex 16`", fmt.Errorf("secret %d is too short", i))
		}
	}
	return nil
}

func badCallback(hint string, cause error) error {
	return refused("new callback handler", KindConfig, hint, cause)
}

// authenticate fails closed, and does not tell by its timing how much of a secret
// was right.
func (c CallbackConfig) authenticate(r *http.Request) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in Authenticate: %v", p)
		}
	}()
	if len(c.Secrets) == 0 && c.Authenticate == nil {
		return errors.New("nothing to authenticate with") // a zero CallbackHandler
	}
	if len(c.Secrets) > 0 {
		got, right := sha256.Sum256([]byte(r.Header.Get(c.Header))), 0
		for _, s := range c.Secrets {
			want := sha256.Sum256([]byte(s))
			right |= subtle.ConstantTimeCompare(got[:], want[:])
		}
		if right == 0 {
			return errors.New("wrong or missing " + c.Header)
		}
	}
	if c.Authenticate != nil {
		return c.Authenticate(r)
	}
	return nil
}
