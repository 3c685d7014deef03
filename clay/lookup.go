package clay

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
)

// maxLookupBody is how much of a lookup's answer is read, in bytes.
const maxLookupBody = 1 << 20

// EnrichPerson looks a person up by e-mail address, at POST /v1/people/enrich with
// Config.EnterpriseKey. The endpoint was Clay's Enterprise API and Clay has retired
// it for most (docs/clay.md): then the error is of KindDeprecated.
//
// Only an answer that is about a person is returned: when Clay knows nobody the
// error is of KindNotFound, and when the answer is not JSON, is empty or describes
// an error, of KindBadAnswer. A lookup makes no row, so it is tried again after any
// failure that may pass, up to Config.Retries times (negative: one try).
func (c *Client) EnrichPerson(ctx context.Context, email string) (Person, error) {
	return lookup[Person](ctx, c, query{op: "enrich person", path: "v1/people/enrich", field: "email", value: email})
}

// EnrichCompany looks a company up by its domain, at POST /v1/companies/enrich.
// Everything said at EnrichPerson holds here too.
func (c *Client) EnrichCompany(ctx context.Context, domain string) (Company, error) {
	return lookup[Company](ctx, c, query{op: "enrich company", path: "v1/companies/enrich", field: "domain", value: domain})
}

// query is a lookup by one field.
type query struct{ op, path, field, value string }

func lookup[T any](ctx context.Context, c *Client, r query) (T, error) {
	var zero T
	if c == nil || c.cfg.EnterpriseKey == "" {
		return zero, refused(r.op, KindConfig, "set Config.EnterpriseKey, or CLAY_ENTERPRISE_API_KEY for Default; sending records to a webhook needs no key",
			errors.New("lookups need the key of Clay's Enterprise API"))
	}
	value := strings.TrimSpace(r.value)
	if value == "" {
		return zero, refused(r.op, KindInvalid, "give the "+r.field+" to look up", errors.New("the "+r.field+" is empty"))
	}
	body, err := marshal(map[string]string{r.field: value})
	if err != nil {
		return zero, refused(r.op, KindInvalid, "", err)
	}
	p := post{
		op: r.op, url: c.base.JoinPath(r.path), body: body, keep: maxLookupBody,
		header: http.Header{"Authorization": {"Bearer " + c.cfg.EnterpriseKey}},
	}
	var found T
	_, e := c.run(ctx, operation{
		op: r.op, waits: ctx, repeatable: rereads,
		once: func(ctx context.Context) (status int, e *Error) {
			found, status, e = lookupOnce[T](ctx, c, p, r)
			return status, e
		},
	})
	if e != nil {
		return zero, e
	}
	return found, nil
}

// rereads is the column of the outcome table for what only reads.
func rereads(k Kind) bool {
	switch k {
	case KindNotSent, KindPartial, KindUnknown, KindThrottled, KindUnavailable:
		return true
	default:
		return false
	}
}

var lookupHints = map[Kind]string{
	KindPartial:   "",
	KindUnknown:   "",
	KindThrottled: "look up less at a time",
	KindNotFound:  "Clay knows nothing about it",
	KindForbidden: "check what the workspace's plan allows; these lookups need the Enterprise plan",
	KindBadAnswer: "check BaseURL; something other than Clay may have answered",
}

func lookupOnce[T any](ctx context.Context, c *Client, p post, r query) (found T, status int, e *Error) {
	a, e := c.post(ctx, p)
	if e == nil {
		e = a.about(r)
	}
	if e == nil && json.Unmarshal(a.body, &found) != nil {
		e = &Error{Kind: KindBadAnswer, Err: errors.New("the answer is not understood")}
	}
	if e == nil {
		return found, a.status, nil
	}
	if e.Op == "" { // judged here, not by post
		e.Op, e.Status, e.Outcome = p.op, a.status, Answered
		e.Body = excerpt([]byte(c.secrets.hide(string(a.body))))
	}
	if hint, ok := lookupHints[e.Kind]; ok {
		e.Hint = hint
	}
	e.harmless = true
	return found, 0, e
}

// about checks that a 2xx is data about what was asked for: a JSON object that says
// more than what was sent and is not an error in disguise.
func (a answer) about(r query) *Error {
	switch {
	case errors.Is(a.cut, errTooLong):
		return &Error{Kind: KindBadAnswer, Err: a.cut}
	case a.cut != nil:
		return &Error{Kind: KindUnknown, Err: a.cut}
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(a.body, &fields); err != nil || fields == nil {
		return &Error{Kind: KindBadAnswer, Err: errors.New("the answer is not a JSON object")}
	}
	if string(fields["success"]) == "false" || !isEmpty(fields["error"]) || !isEmpty(fields["errors"]) {
		return &Error{Kind: KindBadAnswer, Err: errors.New("the answer describes an error")}
	}
	for name, value := range fields {
		if !strings.EqualFold(name, r.field) && !envelope[strings.ToLower(name)] && !isEmpty(value) {
			return nil
		}
	}
	return &Error{Kind: KindNotFound, Err: errors.New("the answer holds nothing that was not asked with")}
}

// envelope are fields that speak about an answer and not about what was asked for.
var envelope = map[string]bool{"success": true, "status": true, "type": true, "message": true, "details": true, "error": true, "errors": true}

// isEmpty reports whether a JSON value is absent or nothing: null, false, "", [], {}.
func isEmpty(v json.RawMessage) bool {
	switch strings.Join(strings.Fields(string(v)), "") {
	case "", "null", "false", `""`, "[]", "{}":
		return true
	default:
		return false
	}
}
