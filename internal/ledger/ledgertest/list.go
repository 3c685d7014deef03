package ledgertest

import (
	"bytes"
	"slices"

	"github.com/claygate/claygate/internal/ledger"
)

func serveLists(e *env) {
	var all []ledger.RecordID
	for range 3 {
		all = append(all, e.accept(e.sub(people, keyed(1)))[0].ID, e.accept(e.sub(firms))[0].ID)
	}
	list := func(q ledger.Query) []ledger.RecordID {
		e.Helper()
		records, err := e.List(e.Context(), q)
		e.must(err)
		got := []ledger.RecordID{}
		for _, r := range records {
			got = append(got, r.ID)
			if (r.Fields != nil) != q.Bodies {
				e.Errorf("with bodies %t, the fields are %s", q.Bodies, r.Fields)
			}
		}
		return got
	}
	pick := func(which ...int) []ledger.RecordID {
		got := []ledger.RecordID{}
		for _, i := range which {
			got = append(got, all[i])
		}
		return got
	}
	e.same(pick(5, 4, 3, 2, 1, 0), list(ledger.Query{Max: 10}))
	e.same(pick(5, 4), list(ledger.Query{Max: 2, Bodies: true}))
	e.same(pick(3, 2), list(ledger.Query{Max: 2, Before: all[4]}))
	e.same(pick(5, 3), list(ledger.Query{Max: 2, Target: firms}))
	e.same(pick(4, 2), list(ledger.Query{Max: 9, States: []ledger.State{ledger.Joined}}))
	e.same(pick(4, 2, 0), list(ledger.Query{Max: 9, Key: ledger.Digest{1}, Bodies: true}))
	e.apply(all[1], ledger.Cancel{Reason: "enough"})
	e.same(pick(1), list(ledger.Query{Max: 9, States: []ledger.State{ledger.Dead, ledger.Canceled}}))
	e.same(pick(4, 2, 1), list(ledger.Query{Max: 9, States: []ledger.State{ledger.Joined, ledger.Canceled}}))
	e.same(pick(), list(ledger.Query{Max: 9, Target: people, States: []ledger.State{ledger.Canceled}}))
	e.same(pick(), list(ledger.Query{Max: 9, Before: all[0]}))
}

// A key's list holds whoever joined, was answered from it, was not to be shared, and owned it before.
func serveKeyLists(e *env) {
	key := keyed(1)
	one := e.accept(e.sub(people, key))[0].ID
	joined := e.accept(e.sub(people, key))[0].ID
	e.claim(1)
	e.result(one, `{"title":"Countess"}`)
	cached := e.accept(e.sub(people, key))[0].ID
	apart := e.accept(e.sub(people, key, func(s *ledger.Submission) { s.Await = false }))[0].ID
	e.clock.Advance(ledger.DefaultMaxAge)
	next := e.accept(e.sub(people, key))[0].ID // the result is too old
	e.apply(next, ledger.Cancel{Reason: "enough"})
	last := e.accept(e.sub(people, key))[0].ID
	e.apply(last, ledger.Cancel{Reason: "enough"})
	e.apply(next, ledger.Replay{}) // and it owns the key again
	e.accept(e.sub(people, keyed(2)), e.sub(people))
	for _, size := range []int{2, 100} {
		e.same([]ledger.RecordID{last, next, apart, cached, joined, one}, e.pages(ledger.Query{Key: ledger.Digest{1}, Max: size}))
	}
	e.same([]ledger.RecordID{last}, e.pages(ledger.Query{Key: ledger.Digest{1}, States: []ledger.State{ledger.Canceled}, Max: 2}))
}

// The records of two targets that came now and then, for days, each seldom beside the other.
func serveTargetLists(e *env) {
	var of [2][]ledger.RecordID
	for i := range 60 {
		which := min(i%7, 1)
		s := e.sub([]string{people, firms}[which], func(s *ledger.Submission) {
			s.ID[3], s.ID[4], s.ID[5] = byte(i/20), byte(i/3), byte(255-i)
		})
		of[which] = append(of[which], e.accept(s)[0].ID)
	}
	for which, target := range []string{people, firms} {
		slices.SortFunc(of[which], func(a, b ledger.RecordID) int { return bytes.Compare(b[:], a[:]) })
		for _, size := range []int{1, 3, 100} {
			e.same(of[which], e.pages(ledger.Query{Target: target, Max: size}))
		}
	}
	e.same([]ledger.RecordID(nil), e.pages(ledger.Query{Target: routine, Max: 5}))
}

// pages reads a list page by page.
func (e *env) pages(q ledger.Query) (all []ledger.RecordID) {
	e.Helper()
	for {
		page, err := e.List(e.Context(), q)
		e.must(err)
		for _, r := range page {
			all = append(all, r.ID)
		}
		if len(page) < q.Max {
			return all
		}
		q.Before = all[len(all)-1]
	}
}
