package forward

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/claygate/claygate/internal/ledger"
)

// TestAddresses reads testdata/addresses.txt: each address, and to which reach it is permitted.
func TestAddresses(t *testing.T) {
	text, err := os.ReadFile("testdata/addresses.txt")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		n++
		address, permitted, _ := strings.Cut(line, " ")
		addr, err := netip.ParseAddr(address)
		if err != nil {
			t.Fatal(err)
		}
		for reach, name := range map[Reach]string{Public: "public", Private: "private"} {
			want := permitted == "public" || permitted == name
			if got := reach.permits(addr) == nil; got != want {
				t.Errorf("%s for %s: permitted is %t, want %t", address, name, got, want)
			}
		}
		if got, want := Loopback.permits(addr) == nil, loopback(address); got != want {
			t.Errorf("%s for this machine: permitted is %t, want %t", address, got, want)
		}
	}
	if n < 150 {
		t.Errorf("the corpus has %d addresses", n)
	}
}

// loopback says by its text whether an address of the corpus leads to this machine.
func loopback(address string) bool {
	addr := netip.MustParseAddr(address)
	for _, form := range []string{"::ffff:", "64:ff9b::"} {
		if rest, ok := strings.CutPrefix(address, form); ok && (strings.HasPrefix(rest, "127.") || strings.HasPrefix(rest, "7f00:")) {
			return true
		}
	}
	return addr.Zone() == "" && addr.Unmap().IsLoopback()
}

// However an address is written, and whatever a name leads to, the guard sees what is connected to.
func TestGuardSeesWhatIsConnectedTo(t *testing.T) {
	reached := false
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer server.Close()
	port := server.URL[strings.LastIndex(server.URL, ":"):]
	resolver := answering(t, "127.0.0.1")
	for host, found := range map[string]bool{
		"127.0.0.1": true, "[::ffff:127.0.0.1]": true, "[::ffff:7f00:1]": true, "[::1]": true, "0.0.0.0": true, "[::]": true,
		"rebound.example": true, "RebounD.Example.": true,
		"0177.0.0.1": false, "2130706433": false, "127.1": false, // which other resolvers take for addresses
	} {
		d := dialer(Public)
		d.Resolver = resolver
		s := sender{transport: &http.Transport{DialContext: d.DialContext, DisableKeepAlives: true}, timeout: DefaultTimeout}
		got := s.send(t.Context(), request{method: "POST", url: "http://" + host + port, body: []byte("{}")})
		if got.Outcome != ledger.Unreachable || strings.Contains(got.Reason, "allow_private") != found {
			t.Errorf("%s: %+v", host, got)
		}
		if s.own = true; found && s.send(t.Context(), request{method: "POST", url: "http://" + host + port}).Outcome != ledger.Undelivered {
			t.Errorf("%s: as a record's own URL it would be tried again", host)
		}
	}
	if reached {
		t.Error("it was reached")
	}
}

// answering is a resolver to which every name leads to one IPv4 address.
func answering(t *testing.T, address string) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	ip := netip.MustParseAddr(address).As4()
	go func() {
		query := make([]byte, 512)
		for {
			n, from, err := conn.ReadFrom(query)
			if err != nil {
				return
			}
			if _, err := conn.WriteTo(answerA(query[:n], ip), from); err != nil && !errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// answerA answers a query of DNS: with the address for A, with nothing for all else.
func answerA(query []byte, ip [4]byte) []byte {
	end := 12
	for end < len(query) && query[end] != 0 {
		end += int(query[end]) + 1
	}
	question := query[12 : end+5]
	answer := append([]byte{query[0], query[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, question...)
	if question[len(question)-3] == 1 { // the type, A
		answer[7] = 1
		answer = append(answer, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, ip[0], ip[1], ip[2], ip[3])
	}
	return answer
}
