package claytest_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/claygate/claygate/clay/claytest"
)

// BenchmarkPost is what the emulator takes over loopback with the limit off,
// from 16 connections whose client costs as little as it can. The rate to read
// is posts/s.
func BenchmarkPost(b *testing.B) {
	for _, journal := range []string{"", "journal"} {
		b.Run("journal="+journal, func(b *testing.B) {
			opt := claytest.Options{PerSecond: -1, Cap: -1}
			if journal != "" {
				opt.Journal = filepath.Join(b.TempDir(), journal)
			}
			s := claytest.New(b, opt)
			request := rawPost(s.WebhookURL("people"), `{"email":"jane.doe@acme.com","company":"Acme","note":"a row of usual length"}`)
			b.SetParallelism(8) // times GOMAXPROCS
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				if err := postRaw(s.URL(), request, pb.Next); err != nil {
					b.Error(err)
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "posts/s")
		})
	}
}

// BenchmarkRoundTrip is a row in and its callback out, all limits off.
func BenchmarkRoundTrip(b *testing.B) {
	receiver := http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go func() { _ = receiver.Serve(listener) }()
	defer receiver.Close()
	s := claytest.New(b, claytest.Options{PerSecond: -1, Cap: -1, Column: claytest.Column{
		URL: "http://" + listener.Addr().String(), Delay: claytest.Delay{Max: -1}, Limit: claytest.Limit{Requests: -1},
	}})
	request := rawPost(s.WebhookURL("people"), `{"email":"jane.doe@acme.com"}`)
	b.SetParallelism(8)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		if err := postRaw(s.URL(), request, pb.Next); err != nil {
			b.Error(err)
		}
	})
	if err := s.WaitIdle(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkPerson is one enrichment.
func BenchmarkPerson(b *testing.B) {
	input := map[string]any{"email": "jane.doe@acme.com"}
	for b.Loop() {
		claytest.Enrich(1, input)
	}
}

// rawPost writes a request out.
func rawPost(target, body string) string {
	u, err := url.Parse(target)
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		u.Path, u.Host, len(body), body)
}

// postRaw sends the request over one connection as long as there is a next.
func postRaw(base, request string, next func() bool) error {
	conn, err := net.DialTimeout("tcp", strings.TrimPrefix(base, "http://"), time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	r := bufio.NewReader(conn)
	for next() {
		if _, err := conn.Write([]byte(request)); err != nil {
			return err
		}
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			return err
		}
		if _, err := r.Discard(int(resp.ContentLength)); err != nil || resp.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d: %w", resp.StatusCode, err)
		}
	}
	return nil
}
