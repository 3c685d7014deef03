package claytest

import (
	"bufio"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"time"
)

// request is a [Request] as it is kept: the header packed into one string,
// because a map per request would be most of the memory.
type request struct {
	number  int
	at      time.Time
	method  string
	path    string
	webhook string
	status  int
	row     int
	header  string
	body    []byte
}

// credentials are the headers whose values are never kept.
var credentials = []string{"Authorization", "X-Clay-Webhook-Auth", "Clay-Api-Key", "Cookie"}

// packHeader writes the header as on the wire, without credentials.
func packHeader(h http.Header) string {
	var b strings.Builder
	b.Grow(160) // a usual one fits
	for name, values := range h {
		for _, v := range values {
			if slices.Contains(credentials, name) {
				v = "[redacted]"
			}
			b.WriteString(name)
			b.WriteString(": ")
			b.WriteString(v)
			b.WriteString("\r\n")
		}
	}
	b.WriteString("\r\n")
	return b.String()
}

// export unpacks the request.
func (r *request) export() Request {
	header, _ := textproto.NewReader(bufio.NewReader(strings.NewReader(r.header))).ReadMIMEHeader()
	return Request{
		Number: r.number, At: r.at, Method: r.method, Path: r.path, Webhook: r.webhook,
		Status: r.status, Row: r.row, Header: header, Body: string(r.body),
	}
}
