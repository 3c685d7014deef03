package api

import (
	"context"
	"crypto/sha256"
	"sync"
	"sync/atomic"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// The age at which the keys in memory are read again beside the requests that use them, and the age past which no
// request uses them: how long a revoked key can still work.
const (
	refreshAge = 500 * time.Millisecond
	staleAge   = time.Second
)

// Keyring holds the API keys in memory, so that no request waits for the disk, and reads them again while requests
// come.
type Keyring struct {
	read func(context.Context) ([]ledger.APIKey, error)

	now        atomic.Pointer[keys]
	refreshing atomic.Bool
	mu         sync.Mutex // held while they are read
}

// keys is what the ledger held at a moment.
type keys struct {
	any    bool // there is or was a key
	valid  map[[sha256.Size]byte]*ledger.APIKey
	readAt time.Time
}

// NewKeyring returns one for the keys of a ledger. All surfaces of a process share it: a key that is made or revoked on
// one of them counts on the others at once.
func NewKeyring(l ledger.Keys) *Keyring { return &Keyring{read: l.Keys} }

// current returns keys that are at most [staleAge] old.
func (k *Keyring) current(ctx context.Context) (*keys, error) {
	have := k.now.Load()
	if have != nil {
		switch age := time.Since(have.readAt); {
		case age < refreshAge:
			return have, nil
		case age < staleAge:
			if k.refreshing.CompareAndSwap(false, true) {
				go k.refresh(have)
			}
			return have, nil
		}
	}
	return k.reread(ctx, have)
}

// refresh reads the keys beside the requests.
func (k *Keyring) refresh(have *keys) {
	defer k.refreshing.Store(false)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, _ = k.reread(ctx, have) // the next request finds them stale and meets the error itself
}

// reread reads the keys, unless somebody else has since.
func (k *Keyring) reread(ctx context.Context, have *keys) (*keys, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if newer := k.now.Load(); newer != have {
		return newer, nil
	}
	fresh := &keys{valid: map[[sha256.Size]byte]*ledger.APIKey{}, readAt: time.Now()}
	all, err := k.read(ctx)
	if err != nil {
		return nil, err
	}
	fresh.any = len(all) > 0
	for _, key := range all {
		if key.RevokedAt.IsZero() {
			fresh.valid[key.Hash] = &key
		}
	}
	k.now.Store(fresh)
	return fresh, nil
}

// forget makes the next request read the keys: they have changed. What is being read may be from before.
func (k *Keyring) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.now.Store(nil)
}
