package claytest

import (
	"net/http"
	"sync"
)

// credits are what is left.
type credits struct {
	mu      sync.Mutex
	endless bool
	balance float64
	actions float64
}

// spend takes the cost of n items off, and says for how many there was enough.
func (c *credits) spend(n int, cost float64) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.endless && cost > 0 {
		n = min(n, int(c.balance/cost))
	}
	c.balance -= float64(n) * cost
	c.actions -= float64(n)
	return n
}

// me tells whose key it is. One workspace is all there is.
func (s *Server) me(*arrival) answer {
	type user struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	type workspace struct {
		ID string `json:"id"`
	}
	return answer{status: http.StatusOK, body: encode(struct {
		User      user      `json:"user"`
		Workspace workspace `json:"workspace"`
	}{user{"usr_emulated", "Emulated User"}, workspace{"ws_emulated"}})}
}

func (s *Server) balance(*arrival) answer {
	c := &s.api.credits
	c.mu.Lock()
	defer c.mu.Unlock()
	return answer{status: http.StatusOK, body: encode(struct {
		Balance float64 `json:"balance"`
		Actions float64 `json:"action_execution_balance"`
	}{c.balance, c.actions})}
}
