package claytest

import (
	"fmt"
	"strconv"
	"strings"
)

// statusSet is a list of statuses and ranges of them.
type statusSet [][2]int

// parseStatuses reads Clay's notation, such as "408,429,500-503".
func parseStatuses(list string) (statusSet, error) {
	var set statusSet
	for part := range strings.SplitSeq(list, ",") {
		first, last, ranged := strings.Cut(strings.TrimSpace(part), "-")
		from, err1 := strconv.Atoi(strings.TrimSpace(first))
		to, err2 := from, error(nil)
		if ranged {
			to, err2 = strconv.Atoi(strings.TrimSpace(last))
		}
		if err1 != nil || err2 != nil || from < 100 || to > 599 || from > to {
			return nil, fmt.Errorf("claytest: %q is no status and no range of statuses: write it like 429,500-503", part)
		}
		set = append(set, [2]int{from, to})
	}
	return set, nil
}

// has reports whether the status is in the set.
func (s statusSet) has(status int) bool {
	for _, r := range s {
		if r[0] <= status && status <= r[1] {
			return true
		}
	}
	return false
}
