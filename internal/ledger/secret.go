package ledger

import (
	"slices"
	"time"
)

// AgedSecret is one of the ledger's secrets of a name, and how long ago it was made.
type AgedSecret struct {
	Value []byte
	Age   time.Duration
}

const (
	// SecretSettle is how old a secret is before anything is signed with it: by then every process of the ledger knows it.
	SecretSettle = 2 * time.Minute
	// SecretRetention is how long a secret still proves what was signed with it after another took its place.
	SecretRetention = 30 * 24 * time.Hour
)

// ValidSecrets returns the secrets of a name that count, given all there are, the newest first: the one to sign with, then
// those that still prove. The first secret that a ledger made signs at once: there was none before.
func ValidSecrets(all []AgedSecret) [][]byte {
	signs := len(all) - 1
	if i := slices.IndexFunc(all, func(s AgedSecret) bool { return s.Age >= SecretSettle }); i >= 0 {
		signs = i
	}
	var valid [][]byte
	for i, s := range all {
		switch {
		case i == signs:
			valid = slices.Insert(valid, 0, s.Value)
		case i == 0 || all[i-1].Age < SecretRetention:
			valid = append(valid, s.Value)
		}
	}
	return valid
}
