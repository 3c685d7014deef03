package clay

import (
	"context"
	"net"
)

// NewWithDial is New with the package's own transport over another network.
func NewWithDial(cfg Config, dial func(ctx context.Context, network, addr string) (net.Conn, error)) (*Client, error) {
	c, err := New(cfg)
	if err == nil {
		c.rt = c.cfg.newTransport(dial, nil)
	}
	return c, err
}

// ForgetDefault undoes Default.
func ForgetDefault() { shared.client = nil }
