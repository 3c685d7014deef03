package clay

// Kind says what a failed try means for whoever has to decide what happens next.
// It is an error itself, so that errors.Is works with it:
//
//	if errors.Is(err, clay.KindThrottled) { … }
type Kind uint8

const (
	// KindNotSent: nothing reached Clay (DNS, connection refused, TLS handshake,
	// a dead idle connection, cancelled in time). Safe to try again.
	KindNotSent Kind = iota + 1
	// KindPartial: the connection broke while the request was being written.
	KindPartial
	// KindUnknown: the request went out whole and its fate is not known: silence,
	// or 408, 502, 504, 520 to 524 from a front end that may have passed it on.
	KindUnknown
	// KindThrottled: 429, 425, or 503 with a usable Retry-After. Clay drops such a
	// record and never queues it, so it has to be sent again later.
	KindThrottled
	// KindUnavailable: 500, 503 without a hint, and every other 5xx.
	KindUnavailable
	// KindInvalid: the record itself is at fault: 400, 413, 415, 422 and every 4xx
	// without a kind of its own; also what is refused before it is sent: more than
	// MaxRecordBytes, arrays, values that cannot be encoded as a JSON object.
	KindInvalid
	// KindUnauthorized: 401, a missing or wrong token or key.
	KindUnauthorized
	// KindPaymentRequired: 402, no credits or plan too small.
	KindPaymentRequired
	// KindForbidden: 403 for any reason but an exhausted webhook.
	KindForbidden
	// KindExhausted: 403 "Record limit reached": the webhook has taken all the
	// submissions of its life (50,000 by default) and needs a successor.
	KindExhausted
	// KindNotFound: 404 or 410, e.g. a deleted table or a replaced webhook.
	KindNotFound
	// KindDeprecated: 404 "deprecated API endpoint", Clay's answer for endpoints it retired.
	KindDeprecated
	// KindRedirect: any 3xx. Redirects are never followed: a redirected POST
	// becomes a GET, looks like a success and stores nothing.
	KindRedirect
	// KindConfig: a setting is missing or wrong: bad URL, missing key, a certificate
	// that does not verify. Trying again cannot help.
	KindConfig
	// KindBadAnswer: a 2xx whose body is not what was asked for, e.g. an HTML page
	// in place of a person. Sends never end this way: there any 2xx is a success.
	KindBadAnswer
	// KindRunFailed: the run of a routine ended without results; the cause is a
	// *RunError, which says how.
	KindRunFailed
	// KindUnfinished: a run had not ended when the waiting for it did. It may go on
	// at Clay, and can be waited for again.
	KindUnfinished
)

var kindNames = [...]string{
	KindNotSent: "not_sent", KindPartial: "partial", KindUnknown: "unknown",
	KindThrottled: "throttled", KindUnavailable: "unavailable", KindInvalid: "invalid",
	KindUnauthorized: "unauthorized", KindPaymentRequired: "payment_required",
	KindForbidden: "forbidden", KindExhausted: "exhausted", KindNotFound: "not_found",
	KindDeprecated: "deprecated", KindRedirect: "redirect", KindConfig: "config",
	KindBadAnswer: "bad_answer", KindRunFailed: "run_failed", KindUnfinished: "unfinished",
}

// String returns the kind's name in snake case, e.g. payment_required.
func (k Kind) String() string {
	if int(k) < len(kindNames) && kindNames[k] != "" {
		return kindNames[k]
	}
	return "invalid_kind"
}

// Error makes a Kind usable as the target of errors.Is. It returns the same as String.
func (k Kind) Error() string { return k.String() }

// MayDuplicate reports whether sending again after this kind of failure could
// make a second row at Clay: partial, unknown and unavailable.
func (k Kind) MayDuplicate() bool {
	return k == KindPartial || k == KindUnknown || k == KindUnavailable
}

// hint is what a person can do about a failure of this kind.
func (k Kind) hint() string { return kindHints[k] }

var kindHints = map[Kind]string{
	KindPartial:         "the row may be in Clay; sending it again may make a second one",
	KindUnknown:         "the row may be in Clay; look there, or wait for its result, before sending it again",
	KindThrottled:       "send at most 10 requests a second per workspace; this record was dropped and must be sent again",
	KindUnauthorized:    "check the webhook token or API key; rotating a token in Clay makes the old one invalid at once",
	KindPaymentRequired: "the workspace has no credits left or its plan does not include this",
	KindForbidden:       "check what the workspace's plan allows; webhooks need the Growth or Enterprise plan",
	KindExhausted:       "this webhook has taken all the submissions of its life; create a new webhook, best on a new table",
	KindNotFound:        "check the URL; the table or the webhook may have been deleted or replaced",
	KindDeprecated:      "Clay has retired this endpoint; run a function or workflow (a routine) through the Public API instead",
	KindRedirect:        "redirects are never followed; set the URL that Clay shows for this webhook",
}
