package ledger

import (
	"strings"
	"testing"
	"time"
)

func TestValidSecrets(t *testing.T) {
	const day = 24 * time.Hour
	for name, tt := range map[string]struct {
		ages []time.Duration // of secrets a, b, …, the newest first
		want string
	}{
		"the first":             {[]time.Duration{0}, "a"},
		"just rotated":          {[]time.Duration{time.Minute, 40 * day}, "ba"},
		"rotated a while ago":   {[]time.Duration{SecretSettle, 40 * day}, "ab"},
		"rotated twice":         {[]time.Duration{day, 29 * day, 90 * day}, "abc"},
		"rotated long ago":      {[]time.Duration{day, 30 * day, 90 * day}, "ab"},
		"rotated twice at once": {[]time.Duration{time.Second, 2 * time.Second, 90 * day}, "cab"},
	} {
		var all []AgedSecret
		for i, age := range tt.ages {
			all = append(all, AgedSecret{[]byte{'a' + byte(i)}, age})
		}
		var got strings.Builder
		for _, s := range ValidSecrets(all) {
			got.Write(s)
		}
		if got.String() != tt.want {
			t.Errorf("%s: %s, want %s", name, got.String(), tt.want)
		}
	}
}

// Whoever has the tickets works by the secrets that they were given last.
func TestTicketsAreReplacedForAll(t *testing.T) {
	tickets := NewTickets([]byte("old"))
	shared := tickets
	old := shared.Sign(Ticket{Record: RecordID{1}, Attempt: 1})
	tickets.Replace([]byte("new"), []byte("old"))
	for _, text := range []string{old, shared.Sign(Ticket{Record: RecordID{1}, Attempt: 1})} {
		if _, err := shared.Verify(text); err != nil {
			t.Error(err)
		}
	}
	tickets.Replace([]byte("new"))
	if _, err := shared.Verify(old); err == nil {
		t.Error("a ticket of a secret that is no longer valid is taken")
	}
}
