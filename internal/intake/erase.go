package intake

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/claygate/claygate/internal/ledger"
)

// Eraser is what erasing needs of the ledger.
type Eraser interface {
	ledger.Eraser
	ledger.Lister
}

// Erasing says whose data is to be erased: that of records, of a person, or all of a target.
type Erasing struct {
	Records []ledger.RecordID
	// Target is where the person's records are.
	Target string
	// Fields hold what is known of the person: those of the target's dedupe key, or with Search any.
	Fields json.RawMessage
	// Search also looks through all that the target's records hold, and erases those that mention everything Fields have:
	// what has another key or none. It reads all of it.
	Search bool
	// Runs also looks through the items of runs that callers of the target's workspace started themselves.
	Runs bool
	// All erases everything of the target, in place of one person's.
	All bool
	// Workspace erases everything of these targets, which are all of one, and of the runs that its callers started.
	Workspace string
	Targets   []string
}

// Pages of what is looked through: a body may be as long as Clay's limit, a callback ten times that.
const (
	searchPage = 100
	loosePage  = 16
)

// Erase erases from the ledger what e says, step by step until nothing is left, and returns what that was. Kind Invalid says
// that the person cannot be found so. What was erased before an error stays erased; the same again does the rest.
func (in *Intake) Erase(ctx context.Context, store Eraser, e Erasing) (ledger.Erased, error) {
	w := erasure{ctx: ctx, store: store}
	if e.Workspace != "" {
		err := w.workspace(e)
		return w.sum, err
	}
	if e.Target == "" {
		err := w.erase(ledger.Erasure{Records: e.Records})
		return w.sum, err
	}
	if e.All {
		err := w.erase(ledger.Erasure{Target: e.Target})
		return w.sum, err
	}
	t, err := in.target(e.Target)
	switch {
	case err != nil && !e.Search:
		return w.sum, err
	case err != nil: // one that is not configured any more: its records are there all the same
		t.Name = e.Target
	}
	key, mentioned, err := in.person(t, e)
	if err != nil {
		return w.sum, err
	}
	if !key.IsZero() {
		err = w.erase(ledger.Erasure{Keys: []ledger.Digest{key}})
	}
	if err == nil && e.Search {
		err = w.search(t.Name, mentioned)
	}
	if err == nil {
		err = w.loose(e, mentioned)
	}
	return w.sum, err
}

// person returns the dedupe key of who has these fields, zero for none, and what a body must hold to mention that person.
func (in *Intake) person(t Target, e Erasing) (key ledger.Digest, m mention, err error) {
	invalid := func(message, hint string) (ledger.Digest, mention, error) {
		return key, nil, &ledger.Error{Kind: ledger.Invalid, Op: "erase", Message: message, Hint: hint}
	}
	members, err := Members(e.Fields)
	if err != nil {
		return invalid("the fields: "+err.Error(), "")
	}
	for _, member := range members {
		if v := Fold(text(member.Value)); v != "" {
			m = append(m, v)
		}
		if !e.Search && !slices.Contains(t.DedupeBy, member.Name) {
			return invalid("the field "+member.Name+" is not in the dedupe_by of "+t.Name, "leave it out, or search through the records")
		}
	}
	if len(m) == 0 {
		return invalid("the fields hold nothing to find anybody by", "give those of the target's dedupe_by")
	}
	whole := !slices.ContainsFunc(t.DedupeBy, func(name string) bool { return value(members, name) == nil })
	if found := dedupeValue(t.DedupeBy, members); whole && found != "" {
		return ledger.DedupeKey(in.secret, t.Target, found), m, nil
	}
	if !e.Search {
		return invalid("the dedupe key of "+t.Name+" is made of "+strings.Join(t.DedupeBy, ", "), "give all of them, or search through the records")
	}
	return key, m, nil
}

// erasure is one request's work, and what came of it.
type erasure struct {
	ctx   context.Context
	store Eraser
	sum   ledger.Erased
}

// erase takes steps until nothing is left.
func (w *erasure) erase(what ledger.Erasure) error {
	for {
		step, err := w.store.Erase(w.ctx, what)
		w.sum.Records, w.sum.Canceled, w.sum.AtClay = w.sum.Records+step.Records, w.sum.Canceled+step.Canceled, w.sum.AtClay+step.AtClay
		w.sum.Loose += step.Loose
		if err != nil || !step.More {
			return err
		}
		what.After = step.Next
	}
}

// workspace erases all that a workspace has.
func (w *erasure) workspace(e Erasing) error {
	for _, target := range e.Targets {
		if err := w.erase(ledger.Erasure{Target: target}); err != nil {
			return err
		}
	}
	return w.erase(ledger.Erasure{Lane: ledger.LaneOf(e.Workspace, ledger.APISurface)})
}

// search erases the records of a target that mention somebody.
func (w *erasure) search(target string, m mention) error {
	q := ledger.Query{Target: target, Max: searchPage, Bodies: true}
	for {
		page, err := w.store.List(w.ctx, q)
		if err != nil {
			return err
		}
		var what ledger.Erasure
		for _, r := range page {
			if m.in(r.Fields, r.Metadata, r.Result) {
				what.Records = append(what.Records, r.ID)
			}
		}
		if len(what.Records) > 0 {
			if err := w.erase(what); err != nil {
				return err
			}
		}
		if len(page) < searchPage {
			return nil
		}
		q.Before = page[len(page)-1].ID
	}
}

// loose erases what mentions somebody and belongs to no record: callbacks of the target, and items of runs.
func (w *erasure) loose(e Erasing, m mention) error {
	var after ledger.LooseID
	for {
		page, err := w.store.Loose(w.ctx, after, loosePage)
		if err != nil {
			return err
		}
		var what ledger.Erasure
		for _, l := range page {
			after = l.ID
			ours := l.Target == e.Target || e.Runs && l.Lane.Workspace() == ledger.WorkspaceOf(e.Target)
			if ours && m.in(l.Body) {
				what.Loose = append(what.Loose, l.ID)
			}
		}
		if len(what.Loose) > 0 {
			if err := w.erase(what); err != nil {
				return err
			}
		}
		if len(page) < loosePage {
			return nil
		}
	}
}
