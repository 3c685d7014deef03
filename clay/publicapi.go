package clay

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
)

const (
	// The limit of the Public API is not published; this is claygate's guess.
	defaultAPIPerSecond = 5
	defaultAPIBurst     = 5
	// maxAPIBody is how much of an answer is read, in bytes: 100 results may hold
	// whole web pages each.
	maxAPIBody = 64 << 20
)

// call is one operation of the Public API.
type call struct {
	op     string
	method string
	path   []string // each is escaped
	query  url.Values
	body   any // nil: none
	// repeatable is rereads for what only reads.
	repeatable func(Kind) bool
	// starts is set for what costs when it is done twice.
	starts bool
	hints  map[Kind]string // in the place of the usual ones
}

// restarts says after which failures a start may be repeated: only when Clay surely
// did not get it, or refused it for its rate. There is no idempotency key and no
// list of runs to look at, so a second start may be a second charge (docs/clay.md).
func restarts(k Kind) bool { return k == KindNotSent || k == KindThrottled }

var apiHints = map[Kind]string{
	KindPartial:         "",
	KindUnknown:         "",
	KindThrottled:       "ask less often; Config.PublicAPIPacer sets the pace",
	KindUnauthorized:    "check Config.PublicAPIKey; the personal key of Clay's settings does not work here, and the workspace may not have the API yet",
	KindPaymentRequired: "the quota or the credits are used up; trying again before they are renewed cannot help",
	KindForbidden:       "check what the workspace's plan and the key's user may do",
	KindInvalid:         "the answer says what Clay does not take; when it is too much at a time, send fewer items",
	KindRedirect:        "redirects are never followed; check Config.PublicAPIURL",
	KindBadAnswer:       "check Config.PublicAPIURL; something other than Clay may have answered",
}

const startHint = "the run may have started, and cost; starting again may cost twice. Look for its completion webhook, or in Clay, first"

// ask makes a call, paced and repeated as far as is safe, and decodes the answer.
func ask[T any](ctx context.Context, c *Client, r call) (T, answer, error) {
	var out T
	var a answer
	if e := c.needKey(r.op); e != nil {
		return out, a, e
	}
	p, e := c.prepareCall(r)
	if e != nil {
		return out, a, e
	}
	_, e = c.run(ctx, operation{
		op: r.op, waits: ctx, repeatable: r.repeatable, pacer: c.cfg.PublicAPIPacer,
		once: func(ctx context.Context) (_ int, e *Error) {
			out, a, e = askOnce[T](ctx, c, r, p)
			return a.status, e
		},
	})
	if e != nil {
		return out, a, e
	}
	return out, a, nil
}

func (c *Client) needKey(op string) *Error {
	if c == nil || c.cfg.PublicAPIKey == "" {
		return refused(op, KindConfig, "set Config.PublicAPIKey; keys are made in Clay under Settings, Account, API keys",
			errors.New("the Public API needs a key"))
	}
	return nil
}

// prepareCall encodes what is sent.
func (c *Client) prepareCall(r call) (post, *Error) {
	u := *c.api
	segments := make([]string, len(r.path))
	for i, s := range r.path {
		segments[i] = url.PathEscape(s)
	}
	u = *u.JoinPath(segments...)
	u.RawQuery = r.query.Encode()
	p := post{
		op: r.op, method: r.method, url: &u, keep: maxAPIBody,
		header: http.Header{"Clay-Api-Key": {c.cfg.PublicAPIKey}, "Accept": {"application/json"}},
	}
	if r.body != nil {
		body, err := marshal(r.body)
		if err != nil {
			return p, refused(r.op, KindInvalid, "inputs, filters and queries must encode as JSON", err)
		}
		p.body = body
	}
	return p, nil
}

// askOnce makes one try.
func askOnce[T any](ctx context.Context, c *Client, r call, p post) (out T, a answer, e *Error) {
	a, e = c.post(ctx, p)
	if e == nil {
		if out, e = decodeAnswer[T](a, r.starts); e != nil {
			e.Op, e.Status, e.Outcome, e.RequestID = r.op, a.status, Answered, requestID(a.header)
			e.Body = excerpt([]byte(c.secrets.hide(string(a.body[:min(len(a.body), 4*maxExcerpt)]))))
		}
	}
	if e == nil {
		return out, a, nil
	}
	e.harmless = !r.starts
	if e.Kind == KindPaymentRequired {
		e.Quota = c.quota.Load()
	}
	hints := maps.Clone(apiHints)
	maps.Copy(hints, r.hints)
	if hint, ok := hints[e.Kind]; ok {
		e.Hint = hint
	}
	if r.starts && e.Kind.MayDuplicate() {
		e.Hint = startHint
	}
	return out, a, e
}

// decodeAnswer reads a 2xx. Fields that are not known are passed over. What cannot
// be read is, for a start, a run that goes on and whose id is not known.
func decodeAnswer[T any](a answer, starts bool) (out T, e *Error) {
	err := a.cut
	kind := KindUnknown
	if err == nil {
		err = json.Unmarshal(a.body, &out)
		if !starts {
			kind = KindBadAnswer
		}
	}
	if err != nil {
		var zero T
		return zero, &Error{Kind: kind, Err: errors.New("the answer is not understood: " + excerpt([]byte(err.Error())))}
	}
	return out, nil
}

// Identity is whose key a client uses.
type Identity struct {
	// UserID is Clay's name for the user who made the key.
	UserID string
	// UserName is empty when Clay knows none.
	UserName string
	// WorkspaceID is Clay's name for the workspace that pays.
	WorkspaceID string
}

// Me asks Clay whose Config.PublicAPIKey is. It costs nothing and is a good test of a
// key: errors of KindUnauthorized and KindForbidden tell a wrong one and one that may
// not use the Public API.
func (c *Client) Me(ctx context.Context) (Identity, error) {
	out, _, err := ask[struct {
		User      struct{ ID, Name string }
		Workspace struct{ ID string }
	}](ctx, c, call{op: "whoami", method: http.MethodGet, path: []string{"me"}, repeatable: rereads})
	if err != nil {
		return Identity{}, err
	}
	return Identity{UserID: out.User.ID, UserName: out.User.Name, WorkspaceID: out.Workspace.ID}, nil
}

// Balance is what a workspace has left. It is capacity: what a run will cost, or has
// cost, it does not tell (docs/clay.md).
type Balance struct {
	// Credits are the data credits.
	Credits float64
	// Actions are the actions; nil when Clay does not say.
	Actions *float64
}

// Credits asks Clay for the remaining balance of the workspace.
func (c *Client) Credits(ctx context.Context) (Balance, error) {
	out, a, err := ask[struct {
		Balance *float64 `json:"balance"`
		Actions *float64 `json:"action_execution_balance"`
	}](ctx, c, call{op: "credits", method: http.MethodGet, path: []string{"credits", "balance"}, repeatable: rereads})
	if err != nil {
		return Balance{}, err
	}
	if out.Balance == nil {
		return Balance{}, incomplete("credits", a, "it holds no balance")
	}
	return Balance{Credits: *out.Balance, Actions: out.Actions}, nil
}

// incomplete is the error of an answer that lacks what it was asked for.
func incomplete(op string, a answer, why string) *Error {
	return &Error{
		Kind: KindBadAnswer, Op: op, Status: a.status, Outcome: Answered, RequestID: requestID(a.header),
		Hint: apiHints[KindBadAnswer], Err: errors.New("the answer is not understood: " + why), harmless: true,
	}
}
