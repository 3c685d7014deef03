package app

import (
	"net"
	"net/http"
	"sync"
)

// silent knows the connections over which nothing has come yet. Clients open them in advance, and a server that shuts
// down would wait five seconds for their first request.
type silent struct {
	mu    sync.Mutex
	conns map[net.Conn]struct{}
}

// watch has a server keep the account, and close the silent connections when it shuts down.
func (s *silent) watch(srv *http.Server) {
	s.conns = map[net.Conn]struct{}{}
	srv.ConnState = s.state
	srv.RegisterOnShutdown(s.close)
}

func (s *silent) state(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state == http.StateNew {
		s.conns[c] = struct{}{}
		return
	}
	delete(s.conns, c)
}

func (s *silent) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		_ = c.Close() // its client opened it for nothing
	}
}
