package main

import (
	"fmt"
	"time"
)

// print writes the scenario's table, in Markdown.
func (s scenario) print(results []result) {
	fmt.Printf("\n### %s\n\n%s\n\n", s.name, s.about)
	fmt.Println("| | rows/s | time | requests | 429 | connections | stored | lost | doubled | said ok / failed / unknown | URL shown |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|---|")
	for _, r := range results {
		secret := "no"
		if r.showsSecret {
			secret = "**yes**"
		}
		rate := "–" // says nothing where Clay's limit is off
		if s.clay.PerSecond == 0 {
			rate = fmt.Sprintf("%.1f", r.perSecond)
		}
		fmt.Printf("| %s | %s | %.1f s | %d | %d | %d | %d | %s | %s | %d / %s / %d | %s |\n",
			r.who, rate, r.took.Round(100*time.Millisecond).Seconds(), r.requests, r.throttled, r.connections,
			r.stored, bold(r.lost), bold(r.doubled), r.ok, r.said(), r.uncertain, secret)
	}
}

// said is how many rows were called failed, and how many of them are in Clay.
func (r result) said() string {
	if r.wronglyFailed > 0 {
		return fmt.Sprintf("%d (**%d of them stored**)", r.failed, r.wronglyFailed)
	}
	return fmt.Sprint(r.failed)
}

func bold(n int) string {
	if n > 0 {
		return fmt.Sprintf("**%d**", n)
	}
	return "0"
}
