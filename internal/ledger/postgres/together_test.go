package postgres

import (
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/internal/ledger"
)

// each runs a function for several callers at each replica, all at once.
func each(all []*Store, callers int, do func(*Store)) {
	var work sync.WaitGroup
	for _, s := range all {
		for range callers {
			work.Go(func() { do(s) })
		}
	}
	work.Wait()
}

// 60 callers with one key, at three replicas, make one piece of work; and so with one row of a load, or one request.
func TestReplicasShareWork(t *testing.T) {
	all := replicas(t, 3, Options{deaf: true, blind: true})
	load, err := all[0].Load(t.Context(), ledger.Load{Target: people, Name: "leads.csv"})
	must(t, err)
	for _, tt := range []struct {
		name   string
		change func(*ledger.Submission)
		want   ledger.Counts
	}{
		{"one key", keyed(1), ledger.Counts{"queued": 1, "joined": 59}},
		{"one row", func(s *ledger.Submission) { s.Load, s.Work = load, ledger.Digest{1} }, ledger.Counts{"queued": 1}},
		{"one request", func(s *ledger.Submission) { s.Once = &ledger.Once{Key: ledger.Digest{1}, Body: ledger.Digest{2}} }, ledger.Counts{"queued": 1}},
	} {
		before := counts(t, all[0])
		each(all, 20, func(s *Store) {
			if _, err := s.Accept(t.Context(), []ledger.Submission{sub(tt.change)}); err != nil {
				t.Error(err)
			}
		})
		got := counts(t, all[0])
		for name, n := range before {
			if got[name] -= n; got[name] == 0 {
				delete(got, name)
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func counts(t *testing.T, s *Store) ledger.Counts {
	t.Helper()
	status, err := s.TargetStatus(t.Context(), people)
	must(t, err)
	for name, n := range status.Counts {
		if n == 0 {
			delete(status.Counts, name)
		}
	}
	return status.Counts
}

// Each record is claimed once, whoever asks; each is completed once, though all hear of its result and its deadline, and
// those who joined end with it; what was announced has one order that no reader misses a part of.
func TestReplicasClaimAndComplete(t *testing.T) {
	const records = 300
	all := replicas(t, 3, Options{deaf: true, blind: true})
	var ids []ledger.RecordID
	for n := range records / 2 {
		key := keyed(byte(n + 1))
		a, b := sub(key), sub(key)
		got, err := all[n%3].Accept(t.Context(), []ledger.Submission{a, b})
		must(t, err)
		ids = append(ids, got[0].Record.ID)
	}
	read := make(chan []int64, 1)
	go func() { read <- follow(t, all[0], records) }()
	var mu sync.Mutex
	claimed := map[ledger.RecordID]int{}
	each(all, 4, func(s *Store) {
		for {
			got, err := s.Claim(t.Context(), ledger.Want{Lane: mainLane, Max: 3})
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			for _, c := range got.Work {
				claimed[c.Record.ID]++
			}
			done := len(claimed) == records/2
			mu.Unlock()
			if done {
				return
			}
		}
	})
	for id, n := range claimed {
		if n != 1 {
			t.Errorf("%s was claimed %d times", id, n)
		}
	}
	each(all, 4, func(s *Store) {
		for _, id := range ids {
			_, err := s.Apply(t.Context(), []ledger.Entry{
				{Record: id, Event: ledger.Result{Attempt: 1, Fields: []byte(`{"title":"Countess"}`)}}, {Record: id, Event: ledger.Tick{}},
			})
			if err != nil {
				t.Error(err)
				return
			}
		}
	})
	want := ledger.Counts{"done": records, ledger.CountSent: records / 2, ledger.CountCached: records / 2}
	if diff := cmp.Diff(want, counts(t, all[1])); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if seqs := <-read; len(seqs) != records {
		t.Errorf("the reader who went on where it stopped saw %d notices of %d", len(seqs), records)
	}
}

// follow reads notices as they come, each time from where it stopped, until it has seen so many or as many are there.
func follow(t *testing.T, s *Store, n int) (seqs []int64) {
	for after := int64(0); len(seqs) < n; {
		all, err := s.Notices(t.Context(), 0, n+1) // first: what comes between the two is news to the reader
		notices, errAfter := s.Notices(t.Context(), after, 10)
		if err != nil || errAfter != nil {
			t.Error(err, errAfter)
			return seqs
		}
		if len(all) == n && len(notices) == 0 {
			return seqs // all are there, and nothing comes after where it stands
		}
		for _, notice := range notices {
			after = notice.Seq
			seqs = append(seqs, notice.Seq)
		}
	}
	return seqs
}
