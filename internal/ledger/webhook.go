package ledger

// WebhookUse is what the ledger knows of a webhook.
type WebhookUse struct {
	Submissions int  // counted so far
	Exhausted   bool // Clay said that it takes no more
}

// Webhook returns the first of the target's webhooks that still takes records, and how many it takes; ok is false
// when none does. A target without webhooks takes any number, under the zero digest.
func (t Target) Webhook(used map[Digest]WebhookUse) (id Digest, room int, ok bool) {
	const unlimited = 1 << 30
	if len(t.Webhooks) == 0 {
		return Digest{}, unlimited, true
	}
	for _, w := range t.Webhooks {
		use := used[w.ID]
		if use.Exhausted {
			continue
		}
		if w.Limit <= 0 {
			return w.ID, unlimited, true
		}
		if room := w.Limit - w.Start - use.Submissions; room > 0 {
			return w.ID, room, true
		}
	}
	return Digest{}, 0, false
}

// Counted reports whether an attempt with this verdict uses up one of its webhook's submissions. Clay counts what it
// accepts; what may have been accepted is counted as if it were, and so is an attempt without a verdict yet.
func (v Verdict) Counted() bool {
	switch v {
	case Unsent, Throttled, Rejected, Refused, Exhausted:
		return false
	}
	return true
}

// Full is the reason for which a target pauses whose webhooks have all been used up.
func (t Target) Full() string {
	return "every webhook of " + t.Name + " has taken all the records that it ever will: add another webhook, " +
		"on a table of its own, because a table holds 50,000 rows too"
}

// Submissions returns how many of its webhook's submissions an attempt with this verdict counts as.
func (v Verdict) Submissions() int {
	if v.Counted() {
		return 1
	}
	return 0
}
