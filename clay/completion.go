package clay

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// Completion is what a completion webhook of Clay tells: that a run has ended. It
// does not tell how, nor whether the run was inline or bulk, and Clay guarantees no
// delivery (docs/clay.md): go on asking for the run, only less often. It may come
// twice, and somebody who has seen it may send it again: only its body is signed.
type Completion struct {
	// RunID is the run's, as in Run.ID; empty for a test delivery.
	RunID string
	// WebhookID is that of the webhook, wh_….
	WebhookID string
	// CreatedAt is when Clay says it made it; zero when that is not understood.
	CreatedAt time.Time
}

// Test reports a delivery of Clay's "test" command, which names no run.
func (c Completion) Test() bool { return c.RunID == "" }

// SignatureHeader is where a completion webhook has its signature.
const SignatureHeader = "X-Clay-Signature"

const opCompletion = "completion webhook"

// ParseCompletion verifies a completion webhook and reads it. signature is the value of
// SignatureHeader and body the request's, byte for byte; secrets are the signing
// secrets (whsec_…) that are valid, more than one while they are being changed.
//
// The error is of KindUnauthorized when no secret made the signature, and of
// KindInvalid when the body is signed but is not understood.
func ParseCompletion(signature string, body []byte, secrets ...string) (Completion, error) {
	if !signedBy(signature, body, secrets) {
		return Completion{}, refused(opCompletion, KindUnauthorized,
			"compare the signing secret; Clay shows it once, when the webhook is made", errors.New("the signature is missing or wrong"))
	}
	var in struct {
		WebhookID string `json:"webhookId"`
		CreatedAt string `json:"createdAt"`
		Data      *struct {
			RunID *string `json:"routine_run_id"`
		} `json:"data"`
	}
	err := json.Unmarshal(body, &in)
	if err == nil && in.Data == nil {
		err = errors.New("it holds no data")
	}
	if err == nil && in.Data.RunID != nil && *in.Data.RunID == "" {
		err = errors.New("its routine_run_id is empty")
	}
	if err != nil {
		return Completion{}, refused(opCompletion, KindInvalid, "Clay may have changed what it sends",
			errors.New("the body is not understood: "+excerpt([]byte(err.Error()))))
	}
	c := Completion{WebhookID: in.WebhookID}
	if in.Data.RunID != nil {
		c.RunID = *in.Data.RunID
	}
	c.CreatedAt, _ = time.Parse(time.RFC3339, in.CreatedAt)
	return c, nil
}

// signedBy compares in constant time, and every secret whatever the first one gave.
func signedBy(signature string, body []byte, secrets []string) bool {
	sent, ok := strings.CutPrefix(signature, "sha256=")
	got, err := hex.DecodeString(sent)
	right := false
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(body)
		right = hmac.Equal(mac.Sum(nil), got) && secret != "" || right
	}
	return right && ok && err == nil
}

// CompletionConfig says how to receive completion webhooks. Secrets and Handle are
// needed; the zero value of every other field means its default.
type CompletionConfig struct {
	// Secrets are the signing secrets of the webhooks, whsec_….
	Secrets []string
	// Handle is told of the end of a run, e.g. to wake who waits for it
	// (WaitOptions.Wake). Clay hears 200 once it has returned nil, else 503. Test
	// deliveries are answered without it. It may be told of the same run twice.
	Handle func(context.Context, Completion) error

	// MaxBytes bounds the body. Default 64 KiB.
	MaxBytes int64
	// Timeout bounds reading the body, and Handle. Default 10 s.
	Timeout time.Duration
	// Logger gets one line per request that was not handled. Default: none. It is
	// never given a body or a signature.
	Logger *slog.Logger
}

// CompletionHandler is an http.Handler for completion webhooks. It believes only
// bodies that one of the secrets signed.
type CompletionHandler struct{ cfg CompletionConfig }

// NewCompletionHandler checks cfg and returns a handler. The error is of KindConfig.
func NewCompletionHandler(cfg CompletionConfig) (*CompletionHandler, error) {
	bad := func(hint, why string) error {
		return refused("new completion handler", KindConfig, hint, errors.New(why))
	}
	switch {
	case cfg.Handle == nil:
		return nil, bad("set Handle to a function that is told of the run", "no Handle is set")
	case len(cfg.Secrets) == 0:
		return nil, bad("set Secrets to the signing secrets that Clay showed", "completions would not be authenticated")
	case cfg.MaxBytes < 0 || cfg.Timeout < 0:
		return nil, bad("use 0 for the default", "MaxBytes or Timeout is negative")
	}
	for i, s := range cfg.Secrets {
		if len(s) < 16 {
			return nil, bad("a signing secret looks like whsec_…", fmt.Sprintf("secret %d is too short", i))
		}
	}
	cfg.Secrets = append([]string(nil), cfg.Secrets...)
	cfg.MaxBytes = cmp.Or(cfg.MaxBytes, 64<<10)
	cfg.Timeout = cmp.Or(cfg.Timeout, 10*time.Second)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &CompletionHandler{cfg}, nil
}

// ServeHTTP receives one completion webhook.
func (h *CompletionHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status, err := h.receive(w, r)
	if err == nil {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"ok":true}`)
		return
	}
	h.cfg.Logger.Warn("clay: completion webhook not handled", "status", status, "error", err)
	http.Error(w, http.StatusText(status), status)
}

func (h *CompletionHandler) receive(w http.ResponseWriter, r *http.Request) (int, error) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return http.StatusMethodNotAllowed, errors.New("the method is not POST")
	}
	// Not every server lets a deadline be set; then its own timeouts hold.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(h.cfg.Timeout))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, h.cfg.MaxBytes))
	var tooBig *http.MaxBytesError
	switch {
	case errors.As(err, &tooBig):
		return http.StatusRequestEntityTooLarge, err
	case err != nil:
		return http.StatusRequestTimeout, err
	}
	c, err := ParseCompletion(r.Header.Get(SignatureHeader), body, h.cfg.Secrets...)
	switch {
	case errors.Is(err, KindUnauthorized):
		return http.StatusUnauthorized, err
	case err != nil:
		return http.StatusBadRequest, err
	case c.Test():
		return http.StatusOK, nil
	}
	if err := h.handle(r.Context(), c); err != nil {
		w.Header().Set("Retry-After", "5")
		return http.StatusServiceUnavailable, err
	}
	return http.StatusOK, nil
}

func (h *CompletionHandler) handle(ctx context.Context, c Completion) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in Handle: %v", p)
		}
	}()
	// Clay may hang up meanwhile; that is no reason to stop in the middle.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.cfg.Timeout)
	defer cancel()
	return h.cfg.Handle(ctx, c)
}
