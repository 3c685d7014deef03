package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"log"
	"net"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// key is the API key of the load.
const key = "cg_bench"

var keyHash = sha256.Sum256([]byte(key))

// result is what a round came to.
type result struct {
	rate     float64 // answers a second
	p50, p99 time.Duration
	cpu      time.Duration // of server and load together, for each answer: what other programs on the machine change least
}

// load sends requests over keep-alive connections, each as soon as the one before is answered. It speaks HTTP by hand:
// both servers share the machine with it, and a client that costs as much as they do would hide how they differ.
func load(addr string) result {
	request := fmt.Appendf(nil, "POST /v1/targets/people/records HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", addr, key, len(body), body)
	took := make([][]time.Duration, *clients)
	var done sync.WaitGroup
	before := cpuTime()
	began := time.Now()
	until := began.Add(*length)
	for i := range took {
		done.Go(func() { took[i] = exchange(addr, request, until) })
	}
	done.Wait()
	elapsed := time.Since(began)
	all := slices.Concat(took...)
	slices.Sort(all)
	return result{
		rate: float64(len(all)) / elapsed.Seconds(), p50: all[len(all)/2], p99: all[len(all)*99/100],
		cpu: (cpuTime() - before) / time.Duration(len(all)),
	}
}

// cpuTime is what this process has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		log.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// exchange sends the request over one connection again and again.
func exchange(addr string, request []byte, until time.Time) []time.Duration {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	took := make([]time.Duration, 0, 1<<14)
	for now := time.Now(); now.Before(until); {
		if _, err := conn.Write(request); err != nil {
			log.Fatal(err)
		}
		if err := answer(in); err != nil {
			log.Fatal(err)
		}
		next := time.Now()
		took = append(took, next.Sub(now))
		now = next
	}
	return took
}

// answer reads one response, which has to be 202.
func answer(in *bufio.Reader) error {
	status, err := in.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(status, []byte("HTTP/1.1 202")) {
		rest, _ := in.Peek(in.Buffered())
		return fmt.Errorf("%s%s", status, rest)
	}
	length := 0
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) <= 2 {
			_, err := in.Discard(length)
			return err
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return err
			}
		}
	}
}
