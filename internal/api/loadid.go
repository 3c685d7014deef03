package api

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"strings"
	"sync"

	"github.com/claygate/claygate/internal/ledger"
)

// tagger makes the names of loads. The ledger numbers them; a tag keeps the next number from being guessed, because who
// has sent may read and stop what it knows the name of.
type tagger struct {
	secret func(ctx context.Context, name string) ([]byte, error)

	mu  sync.Mutex
	key []byte
}

const loadPrefix = "load_"

var loadEncoding = base32.HexEncoding.WithPadding(base32.NoPadding)

// name returns the name of a load: "load_" and 26 characters.
func (t *tagger) name(ctx context.Context, id ledger.LoadID) (string, error) {
	key, err := t.load(ctx)
	if err != nil {
		return "", err
	}
	number := binary.BigEndian.AppendUint64(nil, uint64(id))
	mac := hmac.New(sha256.New, key)
	mac.Write(number)
	return loadPrefix + strings.ToLower(loadEncoding.EncodeToString(append(number, mac.Sum(nil)[:8]...))), nil
}

// id returns the load of a name; ok is false for one that was never given out.
func (t *tagger) id(ctx context.Context, name string) (id ledger.LoadID, ok bool, err error) {
	raw, err := loadEncoding.DecodeString(strings.ToUpper(strings.TrimPrefix(name, loadPrefix)))
	if err != nil || len(raw) != 16 {
		return 0, false, nil
	}
	id = ledger.LoadID(binary.BigEndian.Uint64(raw))
	want, err := t.name(ctx, id)
	return id, hmac.Equal([]byte(want), []byte(name)), err
}

// load reads the key once.
func (t *tagger) load(ctx context.Context) ([]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.key != nil {
		return t.key, nil
	}
	key, err := t.secret(ctx, "load")
	if err == nil {
		t.key = key
	}
	return key, err
}
