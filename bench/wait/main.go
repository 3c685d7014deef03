// Command wait measures what a waiting call costs on top of Clay's own time: callers who send a row and wait for its
// result, asking the emulated Clay directly and through serve, in turns. The direct way is what a program does by itself:
// POST the row, keep its id in a map, and wait for the callback.
//
//	cd bench && go run ./wait
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"runtime/pprof"
	"slices"
	"sync"
	"text/tabwriter"
	"time"
)

var (
	callers = flag.Int("callers", 200, "calls in flight")
	delay   = flag.Duration("delay", time.Second, "what Clay takes for a row")
	calls   = flag.Int("calls", 10, "calls of each caller in a round")
	rounds  = flag.Int("rounds", 3, "how many rounds of each; the median counts")
	profile = flag.String("profile", "", "write a CPU profile of the rounds through serve to this file")
)

// side is a way to get a row's result.
type side interface {
	// call hands row n in and returns when its result is there.
	call(ctx context.Context, n int) error
	close()
}

func main() {
	flag.Parse()
	log.SetFlags(0)
	if *profile != "" {
		f, err := os.Create(*profile)
		if err == nil {
			err = pprof.StartCPUProfile(f)
		}
		if err != nil {
			log.Fatal(err)
		}
		defer pprof.StopCPUProfile()
	}
	direct, gateway := newDirect(), newGateway()
	defer direct.close()
	defer gateway.close()
	round(direct, 1) // connections are opened
	round(gateway, 1)
	var directly, through []quantiles
	for range *rounds { // in turns, so that both meet the same noise
		directly = append(directly, round(direct, *calls))
		through = append(through, round(gateway, *calls))
	}
	report(median(directly), median(through))
}

// quantiles of a round's calls.
type quantiles struct{ p50, p99 time.Duration }

// round has every caller make so many calls, one after the other. They begin spread over Clay's delay, as callers do who
// know nothing of each other.
func round(s side, each int) quantiles {
	took := make([][]time.Duration, *callers)
	var all sync.WaitGroup
	for i := range *callers {
		all.Go(func() {
			time.Sleep(*delay * time.Duration(i) / time.Duration(*callers))
			for n := range each {
				start := time.Now()
				if err := s.call(context.Background(), i*each+n); err != nil {
					log.Fatal(err)
				}
				took[i] = append(took[i], time.Since(start))
			}
		})
	}
	all.Wait()
	sorted := slices.Concat(took...)
	slices.Sort(sorted)
	return quantiles{sorted[len(sorted)/2], sorted[len(sorted)*99/100]}
}

// median is of each quantile by itself.
func median(all []quantiles) quantiles {
	of := func(which func(quantiles) time.Duration) time.Duration {
		var values []time.Duration
		for _, q := range all {
			values = append(values, which(q))
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	return quantiles{of(func(q quantiles) time.Duration { return q.p50 }), of(func(q quantiles) time.Duration { return q.p99 })}
}

func report(direct, through quantiles) {
	ms := func(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d)/float64(time.Millisecond)) }
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(out, "%d calls in flight, ms, medians of %d rounds\tp50\tp99\t\n", *callers, *rounds)
	fmt.Fprintf(out, "asking the emulated Clay\t%s\t%s\t\n", ms(direct.p50), ms(direct.p99))
	fmt.Fprintf(out, "through serve, durably\t%s\t%s\t\n", ms(through.p50), ms(through.p99))
	fmt.Fprintf(out, "added (bar: 5 and 25)\t%s\t%s\t\n", ms(through.p50-direct.p50), ms(through.p99-direct.p99))
	out.Flush()
}
