package claytest

import (
	"fmt"
	"hash/fnv"
)

// hash mixes the seed, a label that keeps the uses apart, and a key into 64
// well-spread bits: the emulator's only source of chance.
func hash(seed uint64, label string, key any) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d\x00%s\x00%v", seed, label, key)
	// The finaliser of SplitMix64: FNV alone leaves the high bits poor.
	x := h.Sum64()
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// share turns a hash into a number in [0, 1).
func share(h uint64) float64 { return float64(h>>11) / (1 << 53) }

// pick chooses one of a list.
func pick[T any](h uint64, from []T) T { return from[h%uint64(len(from))] }
