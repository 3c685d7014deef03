// Package load sends HTTP requests at a server of the same process and measures how it answers. It speaks HTTP by hand:
// the server shares the machine with it, and a client that costs as much as the server would hide how servers differ.
package load

import (
	"bufio"
	"bytes"
	"fmt"
	"log"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// Result is what a round came to.
type Result struct {
	Rate     float64 // answers a second
	P50, P99 time.Duration
	CPU      time.Duration // of server and load together, for each answer: what other programs on the machine change least
	N        int           // answers
}

// Run says what to send.
type Run struct {
	Addr    string
	Clients int           // connections, each of which sends as soon as it was answered
	Length  time.Duration // for how long
	Status  int           // what every answer has to be
	// Request returns the n-th request of a client, or nil when there is none left.
	Request func(client, n int) []byte
}

// Do sends and measures.
func (r Run) Do() Result {
	took := make([][]time.Duration, r.Clients)
	var done sync.WaitGroup
	before := CPU()
	began := time.Now()
	for i := range took {
		done.Go(func() { took[i] = r.exchange(i, began.Add(r.Length)) })
	}
	done.Wait()
	elapsed := time.Since(began)
	all := slices.Concat(took...)
	result := Measure(all)
	result.Rate, result.CPU = float64(len(all))/elapsed.Seconds(), (CPU()-before)/time.Duration(len(all))
	return result
}

// Measure sorts the times and returns their percentiles.
func Measure(all []time.Duration) Result {
	slices.Sort(all)
	return Result{N: len(all), P50: all[len(all)/2], P99: all[len(all)*99/100]}
}

// CPU is what this process has used.
func CPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		log.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Post makes a request with a JSON body.
func Post(path, host, header, body string) []byte {
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\n%sContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		path, host, header, len(body), body)
}

// Conn is one connection to a server.
type Conn struct {
	net.Conn
	in *bufio.Reader
}

// Dial connects.
func Dial(addr string) *Conn {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		log.Fatal(err)
	}
	return &Conn{conn, bufio.NewReader(conn)}
}

// Exchange sends one request and returns the answer's status.
func (c *Conn) Exchange(request []byte) int {
	if _, err := c.Write(request); err != nil {
		log.Fatal(err)
	}
	status, err := c.answer()
	if err != nil {
		log.Fatal(err)
	}
	return status
}

// exchange sends over one connection until the time is over.
func (r Run) exchange(client int, until time.Time) []time.Duration {
	conn := Dial(r.Addr)
	defer conn.Close()
	took := make([]time.Duration, 0, 1<<14)
	for now := time.Now(); now.Before(until); {
		request := r.Request(client, len(took))
		if request == nil {
			break
		}
		if status := conn.Exchange(request); status != r.Status {
			log.Fatalf("answered %d", status)
		}
		next := time.Now()
		took = append(took, next.Sub(now))
		now = next
	}
	return took
}

// answer reads one response.
func (c *Conn) answer() (status int, err error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return 0, fmt.Errorf("no answer: %q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, err
	}
	length := 0
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		if len(line) <= 2 {
			_, err := c.in.Discard(length)
			return status, err
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, err
			}
		}
	}
}

// Serve serves a handler on a free address of this machine.
func Serve(h http.Handler) (addr string, stop func()) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute}
	go func() { _ = server.Serve(l) }()
	return l.Addr().String(), func() { _ = server.Close() }
}

// Middle returns the round of the median rate.
func Middle(all []Result) Result {
	slices.SortFunc(all, func(a, b Result) int { return int(a.Rate - b.Rate) })
	return all[len(all)/2]
}
