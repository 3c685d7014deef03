package cli

import (
	"context"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/claygate/claygate/clay"
)

// publicClient speaks to the Public API for people who wait: questions that cost nothing.
func publicClient(base, key string) (*clay.Client, error) {
	return clay.New(clay.Config{
		PublicAPIKey: key, PublicAPIURL: base + publicAPIPath, Retries: 1, MaxElapsed: accountTime, Timeout: accountTime,
	})
}

const (
	publicAPIPath = "/public/v0"
	// accountTime is how long somebody waits for what is only good to know.
	accountTime = 15 * time.Second
)

// balanceOf asks for the balance; nil when Clay does not say. The error is that of a key which cannot work at all.
func balanceOf(ctx context.Context, c *clay.Client) (*clay.Balance, error) {
	b, err := c.Credits(ctx)
	switch {
	case errors.Is(err, clay.KindUnauthorized), errors.Is(err, clay.KindForbidden), errors.Is(err, clay.KindConfig):
		return nil, err
	case err != nil: // good to know, and no more
		return nil, nil
	}
	return &b, nil
}

// refusedKey says of a key that Clay refuses where it came from. Other errors stay.
func refusedKey(from string, err error) error {
	e, ok := errors.AsType[*clay.Error](err)
	switch {
	case !ok || e.Status == 0:
		return err
	case e.Kind == clay.KindUnauthorized:
		return &exitError{
			code: exitAuth, early: true, message: "Clay does not know the key in " + from,
			hint: "the Public API takes keys made in Clay under Settings, Account, API keys, and not every workspace has it yet: a new key does not help there",
		}
	case e.Kind == clay.KindForbidden:
		return &exitError{
			code: exitAuth, early: true, message: "Clay does not let the key in " + from + " use the Public API",
			hint: "check what the workspace's plan and the user who made the key may do",
		}
	}
	return err
}

// answered says in a few words what Clay answered.
func answered(err error) string {
	e, ok := errors.AsType[*clay.Error](err)
	switch {
	case !ok:
		return err.Error()
	case e.Status == 0 && e.Err != nil:
		return e.Err.Error()
	case e.Body == "":
		return "it answered " + strconv.Itoa(e.Status)
	}
	return "it answered " + strconv.Itoa(e.Status) + ": " + e.Body
}

// spellBalance writes what is left.
func spellBalance(b *clay.Balance) string {
	if b == nil {
		return "unknown"
	}
	text := number(b.Credits) + " credits"
	if b.Actions != nil {
		text += ", " + number(*b.Actions) + " actions"
	}
	return text
}

// number writes an amount for people: 12,345.5.
func number(n float64) string {
	text := strconv.FormatFloat(math.Round(math.Abs(n)*100)/100, 'f', -1, 64)
	whole, rest, fraction := strings.Cut(text, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if fraction {
		whole += "." + rest
	}
	if n < 0 {
		whole = "-" + whole
	}
	return whole
}
