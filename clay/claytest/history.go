package claytest

// history keeps the last keep values it was given, in order; all of them when
// keep is negative.
type history[T any] struct {
	keep  int
	items []T // a ring once it is full
	next  int // where the oldest stands, once it is full
}

// add keeps v and returns the value that had to go, if one had to.
func (h *history[T]) add(v T) (old T, dropped bool) {
	if h.keep < 0 || len(h.items) < h.keep {
		h.items = append(h.items, v)
		return old, false
	}
	old, h.items[h.next] = h.items[h.next], v
	h.next = (h.next + 1) % len(h.items)
	return old, true
}

// each calls f with every value, oldest first.
func (h *history[T]) each(f func(T)) {
	for _, v := range h.items[h.next:] {
		f(v)
	}
	for _, v := range h.items[:h.next] {
		f(v)
	}
}
