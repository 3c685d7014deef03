package dispatch

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/claygate/claygate/clay"
)

// reason says what happened to an attempt and what to do about it, for the person who runs claygate: it stands in the
// output beside the row, and at the end of a command.
func reason(e *clay.Error) string {
	var happened string
	switch {
	case e.Status != 0:
		happened = fmt.Sprintf("Clay answered %d", e.Status)
		if said := said(e.Body); said != "" {
			happened += ": " + said
		}
	case e.Outcome == clay.NotSent && e.Kind == clay.KindNotSent:
		happened = because("Clay was not reached", e.Err)
	case e.Outcome == clay.NotSent:
		happened = because("it could not be sent", e.Err)
	case e.Outcome == clay.Partial:
		happened = because("the connection to Clay broke", e.Err)
	default:
		happened = because("Clay did not answer", e.Err)
	}
	if e.Hint != "" {
		happened += "; " + e.Hint
	}
	return happened
}

func because(what string, cause error) string {
	if cause == nil {
		return what
	}
	return what + ": " + cause.Error()
}

// said is what an answer's body says: its message where it has one, as Clay's errors do, else its beginning.
func said(body string) string {
	var answer struct{ Message string }
	if json.Unmarshal([]byte(body), &answer) == nil && answer.Message != "" {
		body = answer.Message
	}
	body = strings.TrimRight(body, ". ") // a hint follows
	const most = 200
	if len(body) > most {
		body = strings.ToValidUTF8(body[:most], "") + "…"
	}
	return body
}
