package main

import "fmt"

// ours is the contender that the bars are for; the others are there to compare with.
const ours = "clay, one client"

// missed lists the bars that the package has not met in a scenario. The time it takes is
// bounded only where Clay's limit, and not chance, decides it.
func (s scenario) missed(r result) []string {
	var list []string
	bar := func(met bool, format string, args ...any) {
		if !met {
			list = append(list, s.name+": "+fmt.Sprintf(format, args...))
		}
	}
	all := max(1, s.senders) * s.rows
	bar(r.stored == all && r.lost == 0, "%d of %d rows stored, %d lost", r.stored, all, r.lost)
	bar(r.doubled == 0, "%d rows doubled", r.doubled)
	bar(r.failed == 0, "%d rows called failed", r.failed)
	bar(!r.showsSecret, "the webhook's URL was shown")
	bar(r.connections <= 32, "%d connections for 16 at a time", r.connections)
	if s.clay.PerSecond == 0 {
		bar(r.throttled == 0, "%d requests throttled", r.throttled)
		bar(r.requests == all, "%d requests for %d rows", r.requests, all)
		bar(r.perSecond >= 9.9, "%.2f rows a second of 10", r.perSecond)
	}
	return list
}
