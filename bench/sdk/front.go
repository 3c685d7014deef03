package main

import (
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
)

// front stands before the emulator and counts connections, the same for everybody.
type front struct {
	url      string
	listener net.Listener
	to       string
	count    atomic.Int64
	mu       sync.Mutex
	open     map[net.Conn]bool
}

func newFront(emulator string) *front {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	f := &front{url: "http://" + l.Addr().String(), listener: l, to: strings.TrimPrefix(emulator, "http://"), open: map[net.Conn]bool{}}
	go f.serve()
	return f
}

func (f *front) serve() {
	for {
		down, err := f.listener.Accept()
		if err != nil {
			return
		}
		f.count.Add(1)
		go f.pass(down)
	}
}

func (f *front) pass(down net.Conn) {
	up, err := net.Dial("tcp", f.to)
	if err != nil {
		_ = down.Close()
		return
	}
	f.mu.Lock()
	f.open[down], f.open[up] = true, true
	f.mu.Unlock()
	copyHalf := func(to, from net.Conn) {
		_, _ = io.Copy(to, from)
		_ = to.Close()
	}
	go copyHalf(up, down)
	copyHalf(down, up)
}

func (f *front) connections() int { return int(f.count.Load()) }

func (f *front) close() {
	_ = f.listener.Close()
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.open {
		_ = c.Close()
	}
}
