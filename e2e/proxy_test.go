package e2e_test

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// proxy is what stands before several processes as a load balancer, or between one and the database as the network that can
// be cut. It knows nothing of what passes through it.
type proxy struct {
	net.Listener
	backends []string // tried in turn, from one further each time
	next     atomic.Int64
	gate     sync.RWMutex // held for writing while the network is cut: what is under way stays where it is

	mu    sync.Mutex
	conns map[net.Conn]bool
	all   sync.WaitGroup
}

// newProxy listens on an address, ":0" for any, and leads to the first backend that takes the connection.
func newProxy(t *testing.T, address string, backends ...string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: l, backends: backends, conns: map[net.Conn]bool{}}
	p.all.Go(p.serve)
	t.Cleanup(func() {
		_ = l.Close()
		p.reset()
		p.all.Wait()
	})
	return p
}

func (p *proxy) serve() {
	for {
		conn, err := p.Accept()
		if err != nil {
			return
		}
		p.all.Go(func() { p.lead(conn) })
	}
}

// lead takes one connection to a backend and back.
func (p *proxy) lead(conn net.Conn) {
	defer conn.Close()
	first := int(p.next.Add(1))
	for i := range p.backends {
		backend, err := net.Dial("tcp", p.backends[(first+i)%len(p.backends)])
		if err != nil {
			continue
		}
		defer backend.Close()
		p.keep(conn, backend)
		defer p.forget(conn, backend)
		var both sync.WaitGroup
		both.Go(func() { p.pass(backend, conn) })
		both.Go(func() { p.pass(conn, backend) })
		both.Wait()
		return
	}
}

// pass copies until one end closes, and then closes the other. While the network is cut nothing moves.
func (p *proxy) pass(to, from net.Conn) {
	defer to.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		p.gate.RLock()
		if n > 0 && err == nil {
			_, err = to.Write(buffer[:n])
		}
		p.gate.RUnlock()
		if err != nil {
			return
		}
	}
}

func (p *proxy) keep(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		p.conns[c] = true
	}
}

func (p *proxy) forget(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		delete(p.conns, c)
	}
}

// reset breaks every connection.
func (p *proxy) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = c.Close()
	}
}

// cut lets nothing through until it is called off: packets are lost, and nobody is told.
func (p *proxy) cut() (mend func()) {
	p.gate.Lock()
	return p.gate.Unlock
}
