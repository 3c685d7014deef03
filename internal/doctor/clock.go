package doctor

import (
	"fmt"
	"net/http"
	"time"
)

// How far a clock may be off. Receivers of signed webhooks refuse what is five minutes old or early (Standard Webhooks),
// and other machines' dates, such as those in Retry-After, are taken by this clock.
const (
	clockWarns  = 10 * time.Second
	clockBreaks = 4 * time.Minute
)

// Answer is what is kept of an HTTP answer: when it was asked for and came, and its headers.
type Answer struct {
	Asked, Came time.Time
	Header      http.Header
}

// Clock compares this machine's clock with that of a server that answered. Its date has whole seconds, and may be that of any
// moment between question and answer.
func Clock(a Answer) Finding {
	f := Finding{Check: "clock", State: OK}
	date, err := http.ParseTime(a.Header.Get("Date"))
	if err != nil || a.Header.Get("Age") != "" { // an answer from a cache is older than it looks
		f.State, f.Says = Skipped, "nobody who answered said what time it is"
		return f
	}
	off := time.Duration(0)
	switch early, late := date.Sub(a.Came), a.Asked.Sub(date.Add(time.Second)); {
	case early > 0:
		off = -early
	case late > 0:
		off = late
	}
	f.Says = "right to the second or two"
	if off.Abs() >= 2*time.Second {
		way := "ahead"
		if off < 0 {
			way = "behind"
		}
		f.Says = fmt.Sprintf("%s %s of the server that was asked", off.Abs().Round(time.Second), way)
	}
	if off.Abs() < clockWarns {
		return f
	}
	f.State, f.Do = Warning, "have the system keep the time by NTP, e.g. `timedatectl set-ntp true`"
	if off.Abs() >= clockBreaks {
		f.State = Broken
		f.Says += ": receivers refuse the signatures of what is forwarded"
	}
	return f
}
