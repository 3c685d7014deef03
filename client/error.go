package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

// Error is what the gateway refused, and why. Find it with errors.As.
type Error struct {
	Status int    // the HTTP status
	Kind   string // "invalid", "unauthorized", "forbidden", "not_found", "conflict", "too_large", "full", …; "" when unknown
	Title  string // the kind, for people
	Detail string // what happened
	Hint   string // what to do about it; may be empty
	// RetryAfter is how long the gateway wants to be left alone; 0 when it did not say.
	RetryAfter time.Duration
}

// Error returns one line.
func (e *Error) Error() string {
	s := fmt.Sprintf("claygate: %d", e.Status)
	for _, part := range []string{e.Detail, e.Hint} {
		if part != "" {
			s += ": " + part
		}
	}
	return s
}

// problem is a problem of RFC 9457.
type problem struct {
	Type, Title, Detail, Hint string
	Status                    int
}

func (p problem) error() *Error {
	kind := ""
	if _, fragment, ok := strings.Cut(path.Base(p.Type), "#"); ok {
		kind = fragment
	}
	return &Error{Status: p.Status, Kind: kind, Title: p.Title, Detail: p.Detail, Hint: p.Hint}
}

// readError reads a refusal. What is no problem comes from something between here and the gateway.
func readError(res *http.Response) *Error {
	text, _ := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	e := &Error{}
	var p problem
	if strings.HasPrefix(res.Header.Get("Content-Type"), "application/problem+json") && json.Unmarshal(text, &p) == nil {
		e = p.error()
	} else {
		e.Title = http.StatusText(res.StatusCode)
		e.Detail = strings.TrimSpace(res.Status + " " + clip(string(text), 200))
	}
	e.Status = res.StatusCode
	if n, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && n > 0 && n < 86400 {
		e.RetryAfter = time.Duration(n) * time.Second
	}
	return e
}

func clip(s string, most int) string {
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// Unreachable is the error of a request that the gateway did not answer, or not to its end. Find it with errors.As.
type Unreachable struct {
	What string // what happened
	Err  error  // the cause
}

// Error returns one line.
func (u *Unreachable) Error() string { return "client: " + u.What + ": " + u.Err.Error() }

// Unwrap returns the cause.
func (u *Unreachable) Unwrap() error { return u.Err }

// Passing reports whether the same request may succeed later: the gateway could not be reached, or said so.
func Passing(err error) bool {
	if e, ok := errors.AsType[*Error](err); ok {
		switch e.Status {
		case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return true
		}
		return false
	}
	_, ok := errors.AsType[*Unreachable](err)
	return ok
}
