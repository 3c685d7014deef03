// Command sdk measures package clay beside the reference document's algorithm,
// go-retryablehttp and failsafe-go, all against the same emulator and all in one run,
// and prints the tables of docs/benchmarks-sdk.md:
//
//	cd bench && go run ./sdk
//
// It takes less than two minutes, uses loopback only, and is not a test. It ends with
// status 1 when package clay misses one of its bars (bars.go).
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

func main() {
	only := flag.String("only", "", "run only the scenarios whose name contains this")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()

	fmt.Printf("%s, %d cores, %s\n", runtime.Version(), runtime.NumCPU(), time.Now().Format(time.DateOnly))
	var list []scenario
	for _, s := range scenarios() {
		if strings.Contains(s.name, *only) {
			list = append(list, s)
		}
	}
	// All at once: they spend their time waiting, and each has an emulator of its own.
	results := make([][]result, len(list))
	var wg sync.WaitGroup
	for i, s := range list {
		results[i] = make([]result, len(contenders))
		for j, c := range contenders {
			wg.Go(func() { results[i][j] = s.run(ctx, c) })
		}
	}
	wg.Wait()
	var missed []string
	for i, s := range list {
		took := slices.DeleteFunc(results[i], func(r result) bool { return r.who == "" })
		s.print(took)
		for _, r := range took {
			if r.who == ours {
				missed = append(missed, s.missed(r)...)
			}
		}
	}
	if len(missed) > 0 {
		fmt.Println("\nbars missed:\n" + strings.Join(missed, "\n"))
		os.Exit(1)
	}
	fmt.Println("\nall bars met")
}
