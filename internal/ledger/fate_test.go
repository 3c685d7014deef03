package ledger

import "testing"

func TestFate(t *testing.T) {
	tests := map[string]struct {
		r    Record
		last Verdict
		want Fate
	}{
		"queued":                     {r: Record{State: Queued}, want: FatePending},
		"tried and queued again":     {r: Record{State: Queued, Attempts: 2, AtClay: true}, last: Failed, want: FatePending},
		"sent":                       {r: Record{State: Sent, AtClay: true}, last: Accepted, want: FatePending},
		"joined":                     {r: Record{State: Joined}, want: FatePending},
		"uncertain":                  {r: Record{State: Uncertain, AtClay: true}, last: Doubtful, want: FateMaybeSent},
		"done":                       {r: Record{State: Done, Attempts: 1}, want: FateOK},
		"cached":                     {r: Record{State: Done, Cached: true}, want: FateCached},
		"empty":                      {r: Record{State: Done, Cached: true, Empty: true}, want: FateNotFound},
		"refused":                    {r: Record{State: Dead}, last: Rejected, want: FateFailed},
		"failed for the last time":   {r: Record{State: Dead, AtClay: true}, last: Failed, want: FateFailed},
		"a result that never came":   {r: Record{State: Expired, AtClay: true}, last: Accepted, want: FateTimedOut},
		"an answer that never came":  {r: Record{State: Dead, AtClay: true}, last: Doubtful, want: FateMaybeSent},
		"too late to be sent":        {r: Record{State: Expired}, want: FateFailed},
		"given up":                   {r: Record{State: Canceled, Reason: "enough"}, want: FateFailed},
		"held back with its load":    {r: Record{State: Canceled, Reason: HeldBack}, want: FatePending},
		"joined one that timed out":  {r: Record{State: Expired}, want: FateFailed},
		"a late accept, then no end": {r: Record{State: Dead, AtClay: true}, last: Accepted, want: FateTimedOut},
	}
	for name, tt := range tests {
		if got := tt.r.Fate(tt.last); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

func TestSends(t *testing.T) {
	tests := map[string]struct {
		r    Record
		want int
	}{
		"never tried":               {Record{State: Queued}, 0},
		"dropped by Clay":           {Record{State: Queued, Attempts: 3}, 0},
		"at Clay":                   {Record{State: Sent, Attempts: 1, AtClay: true}, 1},
		"sent again":                {Record{State: Sent, Attempts: 2, AtClay: true, MayDuplicate: 1}, 2},
		"on its second way":         {Record{State: Sending, Attempts: 2, MayDuplicate: 1}, 1},
		"answered at once":          {Record{State: Done, Attempts: 1}, 1},
		"answered by another":       {Record{State: Done, Cached: true}, 0},
		"tried, then answered by a": {Record{State: Done, Cached: true, Attempts: 1}, 0},
	}
	for name, tt := range tests {
		if got := tt.r.Sends(); got != tt.want {
			t.Errorf("%s: %d sends, want %d", name, got, tt.want)
		}
	}
}
