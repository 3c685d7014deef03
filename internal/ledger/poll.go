package ledger

import "time"

// quiet is how many runs may be under way on a lane before asking often for each of them takes too many of its calls.
const quiet = 5

// firstPoll returns the time until a run is asked for the first time. On a quiet lane that is soon, because calls are
// there to be had; on a busy one about when runs of its sort are usually finished.
func (r Run) firstPoll() time.Duration {
	busy := r.Others >= quiet
	switch {
	case r.Followed:
		return firstFollow
	case !busy && r.Kind == Inline:
		return 500 * time.Millisecond
	case r.Usual > 0:
		return max(r.Usual-r.SinceStart, 500*time.Millisecond)
	case busy:
		return 3 * time.Second
	}
	return 2 * time.Second
}

// pollAgain returns the time until a run that goes on is asked for again: part of the time that it has run, so that a
// long one is asked for less often and a short one answers soon, give or take a fifth.
func (r Run) pollAgain(jitter float64) time.Duration {
	if r.Followed {
		return r.followAgain(jitter)
	}
	age := r.SinceStart
	least := time.Second
	switch {
	case r.Kind == Bulk:
		least = 2 * time.Second
	case r.Others < quiet:
		least = 500 * time.Millisecond
	}
	wait := min(max(age/2, least), max(5*time.Second, age/10), 2*time.Minute)
	return time.Duration(float64(wait) * (0.8 + 0.4*jitter))
}

// learn returns what runs of its sort usually take, now that this one is known to have ended. The first question should
// just find the end: one that does makes the next a little sooner, one that does not makes it later.
func (r Run) learn() time.Duration {
	switch {
	case r.Usual == 0:
		return max(r.SinceStart, 1)
	case r.Polls == 0:
		return max(r.Usual-r.Usual/32, 1)
	}
	return max(r.Usual+(r.SinceStart-r.Usual)/2, 1)
}
