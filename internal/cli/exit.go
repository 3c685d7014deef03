package cli

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/client"
	"github.com/claygate/claygate/internal/config"
	"github.com/claygate/claygate/internal/ledger"
	"github.com/claygate/claygate/internal/sheet"
)

// Exit codes: those of Clay's own command line (docs/clay.md), and two of ours.
const (
	exitOK          = 0
	exitOther       = 1
	exitInvalid     = 2
	exitAuth        = 3
	exitRateLimited = 4
	exitNetwork     = 5
	exitNotFound    = 6
	exitSomeFailed  = 7   // it worked, but some records failed
	exitInterrupted = 130 // as a shell reports Ctrl-C
)

// usageError says that the command was given something it cannot work with.
type usageError struct{ message, hint string }

func (e *usageError) Error() string { return e.message }

// exitError ends a command with a code, after a line that says why.
type exitError struct {
	code          int
	message, hint string
	early         bool // nothing was sent, so there is nothing to write out
}

func (e *exitError) Error() string { return e.message }

// jsonError is an error of a command that was asked for JSON lines.
type jsonError struct{ error }

func (e *jsonError) Unwrap() error { return e.error }

// inJSON marks an error to be shown as a JSON line, when that was asked for.
func inJSON(asked bool, err error) error {
	if err == nil || !asked {
		return err
	}
	return &jsonError{err}
}

// report shows an error, what happened and how to mend it, and returns the exit code.
func report(s Streams, err error) int {
	if err == nil {
		return exitOK
	}
	if problems, ok := errors.AsType[config.Problems](err); ok { // each is a line already
		s.tell(problems.Error() + "\n")
		return exitInvalid
	}
	message, hint, code := explain(err)
	message, hint = oneLine(message), oneLine(hint)
	if _, ok := errors.AsType[*jsonError](err); ok {
		fmt.Fprint(s.Err, eventLine("error", map[string]any{"message": message, "hint": hint, "exit": code}))
		return code
	}
	if message == "" { // the code says it all
		return code
	}
	line := "claygate: " + message
	if hint != "" {
		line += "\n  " + hint
	}
	s.tell(line + "\n")
	return code
}

// explain is the one table from errors to what people see.
func explain(err error) (message, hint string, code int) {
	if e, ok := errors.AsType[*exitError](err); ok {
		return e.message, e.hint, e.code
	}
	if e, ok := errors.AsType[*usageError](err); ok {
		return e.message, e.hint, exitInvalid
	}
	if e, ok := errors.AsType[*sheet.Error](err); ok {
		bare := *e
		bare.Hint = ""
		return bare.Error(), e.Hint, sheetExit(e.Kind)
	}
	if e, ok := errors.AsType[*ledger.Error](err); ok {
		return ledgerMessage(e), e.Hint, ledgerExit[e.Kind]
	}
	if e, ok := errors.AsType[*clay.Error](err); ok {
		return explainClay(e)
	}
	if e, ok := errors.AsType[*client.Error](err); ok {
		return cmp.Or(e.Detail, e.Title), e.Hint, gatewayExit(e.Status)
	}
	if e, ok := errors.AsType[*client.Unreachable](err); ok {
		return e.What, "is it running, and is this its address?", exitNetwork
	}
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Path + ": " + e.Err.Error(), pathHint(e), exitInvalid
	}
	return unknownCommand(err)
}

// explainClay speaks of a setting by the name under which people set it.
func explainClay(e *clay.Error) (message, hint string, code int) {
	if e.Kind == clay.KindConfig && e.Err != nil {
		return settings.Replace(e.Err.Error()), settings.Replace(e.Hint), exitInvalid
	}
	return settings.Replace(e.Error()), "", clayExit(e.Kind)
}

// settings are the names by which people set what the SDK speaks of.
var settings = strings.NewReplacer(
	"Config.PublicAPIKey", envPublicKey, "Config.PublicAPIURL", envURL, "Config.EnterpriseKey", envEnterpriseKey,
	"PublicAPIKey", envPublicKey, "PublicAPIURL", envURL, "EnterpriseKey", envEnterpriseKey, "BaseURL", envURL,
	"WebhookURL", "CLAY_WEBHOOK_URL", "WebhookToken", "CLAY_WEBHOOK_TOKEN",
)

// ledgerMessage leaves out what the ledger was doing, where it says what happened.
func ledgerMessage(e *ledger.Error) string {
	switch {
	case e.Message == "":
		return e.Error()
	case e.Kind == ledger.Full: // what the database says of it adds nothing
		return e.Message
	}
	return strings.TrimPrefix(e.Error(), e.Op+": ")
}

func pathHint(e *os.PathError) string {
	switch {
	case errors.Is(e, os.ErrNotExist):
		return "check the name and the folder"
	case errors.Is(e, os.ErrPermission):
		return "let this user read it, or run as one who may"
	}
	return ""
}

var ledgerExit = map[ledger.Kind]int{
	ledger.Invalid:     exitInvalid,
	ledger.Overdrawn:   exitRateLimited,
	ledger.NotFound:    exitNotFound,
	ledger.Conflict:    exitInvalid,
	ledger.Busy:        exitOther,
	ledger.Foreign:     exitInvalid,
	ledger.Full:        exitOther,
	ledger.Unavailable: exitOther,
	ledger.Internal:    exitOther,
}

func clayExit(k clay.Kind) int {
	switch k {
	case clay.KindUnauthorized, clay.KindForbidden, clay.KindPaymentRequired:
		return exitAuth
	case clay.KindThrottled:
		return exitRateLimited
	case clay.KindNotSent, clay.KindPartial, clay.KindUnknown:
		return exitNetwork
	case clay.KindNotFound, clay.KindDeprecated:
		return exitNotFound
	case clay.KindConfig, clay.KindInvalid:
		return exitInvalid
	}
	return exitOther
}

// gatewayExit is the exit code for what a gateway answered; 0 means that it did not.
func gatewayExit(status int) int {
	switch status {
	case 0:
		return exitNetwork
	case http.StatusUnauthorized, http.StatusForbidden:
		return exitAuth
	case http.StatusNotFound:
		return exitNotFound
	case http.StatusTooManyRequests:
		return exitRateLimited
	}
	if status < 500 {
		return exitInvalid
	}
	return exitOther
}

func sheetExit(k sheet.Kind) int {
	if k == sheet.KindRead || k == sheet.KindWrite {
		return exitOther
	}
	return exitInvalid
}

// unknownCommand is for what is left: cobra's own complaints, which have no type.
func unknownCommand(err error) (message, hint string, code int) {
	message, rest, _ := strings.Cut(err.Error(), "\n")
	if strings.HasPrefix(message, "unknown command") {
		hint = "see `claygate --help`"
		if suggestion := strings.Fields(rest); len(suggestion) > 0 {
			hint = "did you mean `claygate " + suggestion[len(suggestion)-1] + "`? " + hint
		}
		return message, hint, exitInvalid
	}
	return message, "", exitOther
}

// oneLine keeps what people see to one line, whatever an error's text holds.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
