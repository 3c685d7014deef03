//go:build faultpoints

package crash

import (
	"context"
	"fmt"
	"net/http/httptrace"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// marker can be found in a binary that has the points.
var marker = "fault: killed at the point "

var (
	armed, passages = parse(os.Getenv("FAULT"))
	passed          atomic.Int64
	early           = os.Getenv("FAULT_EARLY")
	unflushed       = os.Getenv("FAULT_UNFLUSHED") != ""
)

// parse reads name:n. What cannot be read ends the process: a test that kills nothing would pass.
func parse(setting string) (name string, n int64) {
	if setting == "" {
		return "", 0
	}
	name, count, _ := strings.Cut(setting, ":")
	n, err := strconv.ParseInt(count, 10, 64)
	if err != nil || n < 1 || !slices.Contains(Points, name) {
		fmt.Fprintf(os.Stderr, "FAULT=%s is not one of %v, a colon and how many passages\n", setting, Points)
		os.Exit(1)
	}
	return name, n
}

// Point kills the process when FAULT says so.
func Point(name string) {
	if name == Commit && early != "" {
		time.Sleep(50 * time.Millisecond) // so that what was acknowledged too early gets to its caller
	}
	if name != armed || passed.Add(1) != passages {
		return
	}
	fmt.Fprintln(os.Stderr, marker+name)
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Kill()
	}
	select {} // nothing goes on from here, however long the kill takes
}

// Trace returns a context whose request passes [Written].
func Trace(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteRequest: func(httptrace.WroteRequestInfo) { Point(Written) },
	})
}

// Early reports whether an operation of the ledger is to be acknowledged before its commit, as FAULT_EARLY asks: the
// mistake that the audit must find.
func Early(op string) bool { return op == early }

// Unflushed reports whether the ledger is to leave out its flushes, as FAULT_UNFLUSHED asks: the mistake that a power cut
// must find.
func Unflushed() bool { return unflushed }
