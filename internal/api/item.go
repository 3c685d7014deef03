package api

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/claygate/claygate/internal/intake"
)

// maxPriority is the highest priority that a caller can ask for.
const maxPriority = 9

// maxCallbackURL is the longest URL that is called back.
const maxCallbackURL = 2048

// envelope are the members of a record as it is handed in.
var envelope = []string{"fields", "metadata", "max_age", "result_timeout", "send_by", "priority", "callback_url"}

// parseItem reads one record as it is handed in. What it does not say is as in the default.
func parseItem(raw []byte, def intake.Item) (intake.Item, error) {
	members, err := intake.Members(raw)
	if err != nil {
		return def, refusal(invalid, "%s", err)
	}
	item := def
	for _, m := range members {
		if err := setItem(&item, m); err != nil {
			return item, err
		}
	}
	if item.Fields == nil {
		return item, refusal(invalid, `the member "fields" is missing`).but(wrapHint)
	}
	return item, nil
}

// wrapHint is for those who send the row itself.
const wrapHint = `a record is {"fields": {…}}, with what goes to Clay inside`

func setItem(item *intake.Item, m intake.Member) error {
	null := string(m.Value) == "null"
	if null && m.Name != "fields" && known(m.Name, envelope) {
		return nil
	}
	var err error
	switch m.Name {
	case "fields":
		item.Fields = m.Value
		return wantObject(m)
	case "metadata":
		item.Metadata = m.Value
		return wantObject(m)
	case "max_age":
		var age time.Duration
		age, err = jsonSpan(m.Value)
		item.MaxAge = &age
	case "result_timeout":
		if item.ResultTimeout, err = jsonSpan(m.Value); err == nil && item.ResultTimeout == 0 {
			err = errorText("it must be longer than 0")
		}
	case "send_by":
		item.SendBy, err = jsonMoment(m.Value)
	case "priority":
		item.Priority, err = jsonPriority(m.Value)
	case "callback_url":
		item.CallbackURL, err = textMember(m, maxCallbackURL)
		return err
	default:
		return unknownMember(m.Name, envelope).but(wrapHint)
	}
	if err != nil {
		return refusal(invalid, "%q: %s", m.Name, err)
	}
	return nil
}

func wantObject(m intake.Member) error {
	if m.Value[0] != '{' {
		return refusal(invalid, "%q must be a JSON object", m.Name)
	}
	return nil
}

func jsonPriority(value json.RawMessage) (int, error) {
	n, err := strconv.Atoi(string(value))
	if err != nil || n < 0 || n > maxPriority {
		return 0, errorText("it must be a whole number from 0 to " + strconv.Itoa(maxPriority) + ", and the highest leaves first")
	}
	return n, nil
}
