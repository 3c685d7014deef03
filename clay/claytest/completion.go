package claytest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"time"
)

// CompletionWebhook hears of the end of the runs that name it: Clay's own command
// line registers it and is given its id and secret.
type CompletionWebhook struct {
	// ID is what runs name as webhook_id.
	ID string
	// URL is where to post.
	URL string
	// Secret signs: X-Clay-Signature is "sha256=" and the hex HMAC-SHA256 of the body.
	Secret string
}

func (s *Server) completion(id string) (CompletionWebhook, bool) {
	for _, w := range s.opt.PublicAPI.Webhooks {
		if w.ID == id {
			return w, true
		}
	}
	return CompletionWebhook{}, false
}

func (s *Server) knownCompletion(id string) bool {
	_, known := s.completion(id)
	return known
}

// announce sends a run's completion webhook when the run has ended, once: Clay
// guarantees no delivery and documents no retries.
func (s *Server) announce(r *run) {
	w, known := s.completion(r.Webhook)
	if !known || r.stalled {
		return
	}
	at := r.due
	copies := 1
	fault := s.faults.strike(Event{Number: r.Number, Webhook: r.Webhook}, (*Fault).hitsCompletion)
	if fault != nil {
		switch fault.Kind {
		case CompletionMissing:
			return
		case CompletionLate:
			at = at.Add(fault.delay())
		case CompletionDouble:
			copies = 2
		}
	}
	s.api.sending.Go(func() {
		wait := time.Until(at)
		for range copies {
			if !sleep(s.ctx, wait) || !s.api.has(r) {
				return
			}
			s.notify(w, map[string]any{"routine_run_id": r.ID})
			if fault != nil {
				wait = fault.delay()
			}
		}
	})
}

// TestWebhook sends the delivery of Clay's "test" command, which names no run, and
// returns the status it was answered with, 0 for none.
func (s *Server) TestWebhook(id string) int {
	w, known := s.completion(id)
	if !known {
		return 0
	}
	return s.notify(w, map[string]any{})
}

// notify posts a signed body and returns the status, 0 for none.
func (s *Server) notify(w CompletionWebhook, data map[string]any) int {
	body := []byte(encode(map[string]any{
		"webhookId": w.ID, "createdAt": time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), "data": data,
	}))
	ctx, cancel := context.WithTimeout(s.ctx, DefaultTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(body))
	if err != nil {
		return 0
	}
	req.GetBody = nil
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Clay-Signature", SignCompletion(w.Secret, body))
	resp, err := s.callbacks.Do(req)
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// SignCompletion is the value of X-Clay-Signature for a body.
func SignCompletion(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}
