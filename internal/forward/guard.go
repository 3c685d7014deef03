package forward

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// Reach is which addresses may be connected to.
type Reach int

// The reaches.
const (
	Public   Reach = iota // addresses of the public internet
	Private               // those, and private networks and this machine
	Loopback              // this machine alone: of an emulated ledger
)

// errGuarded is the cause of every refusal of the guard.
var errGuarded = errors.New("the address is not one that may be forwarded to")

// dialer connects only where the reach allows. The check is of the address that is being connected to, after the name
// was looked up: a name that leads elsewhere the second time gains nothing.
func dialer(reach Reach) *net.Dialer {
	return &net.Dialer{
		Timeout: 5 * time.Second, KeepAlive: 30 * time.Second,
		Control: func(network, address string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(address)
			if err != nil || network != "tcp4" && network != "tcp6" {
				return fmt.Errorf("%w: %s", errGuarded, network)
			}
			return reach.permits(at.Addr())
		},
	}
}

// special are the ranges that IANA's registries of special-purpose addresses (RFC 6890 and later) do not call globally
// reachable, those for multicast, and 6to4, which leads to whatever IPv4 address is within. Of IPv6 only 2000::/3 is
// given out at all.
var special = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
	"192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
)

// private are those of them that [Private] permits.
var private = prefixes("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")

// metadata are where clouds tell a machine its own secrets: never permitted, also where they lie in private ranges.
// 169.254.169.254 is link-local, and no link-local address is.
var metadata = prefixes("100.100.100.200/32", "168.63.129.16/32", "fd00:ec2::254/128", "fd20:ce::254/128")

var (
	given = netip.MustParsePrefix("2000::/3")     // the part of IPv6 that is given out
	nat64 = netip.MustParsePrefix("64:ff9b::/96") // IPv4 through a translator, RFC 6052
)

// permits returns an error unless the address may be connected to.
func (r Reach) permits(addr netip.Addr) error {
	if addr.Zone() != "" {
		return refusedAddress(addr)
	}
	addr = addr.Unmap()
	if nat64.Contains(addr) { // it leads to the IPv4 address within
		b := addr.As16()
		addr = netip.AddrFrom4([4]byte(b[12:]))
	}
	var ok bool
	switch r {
	case Public:
		ok = public(addr)
	case Private:
		ok = public(addr) || within(private, addr)
	case Loopback:
		ok = addr.IsLoopback()
	}
	if !ok || within(metadata, addr) {
		return refusedAddress(addr)
	}
	return nil
}

func public(addr netip.Addr) bool {
	return (addr.Is4() || given.Contains(addr)) && !within(special, addr)
}

func refusedAddress(addr netip.Addr) error { return fmt.Errorf("%w: %s", errGuarded, addr) }

func within(ranges []netip.Prefix, addr netip.Addr) bool {
	for _, p := range ranges {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

func prefixes(texts ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		all[i] = netip.MustParsePrefix(text)
	}
	return all
}
