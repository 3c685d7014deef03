package cli

import (
	"fmt"
	"io"
	"net/http"
	"sync"
)

// within carries requests to a handler in this process. Their answers are read as they are written, however long they are.
type within struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper.
func (w within) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	from, to := io.Pipe()
	a := &reply{header: http.Header{}, status: http.StatusOK, body: to, begun: make(chan struct{}), ended: make(chan struct{})}
	go a.of(w.handler, r)
	<-a.begun // a handler sees by itself when its caller leaves
	body := &replyBody{from, a.ended}
	if err := r.Context().Err(); err != nil {
		_ = body.Close()
		return nil, err
	}
	return &http.Response{
		StatusCode: a.status, Status: http.StatusText(a.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.header, Body: body, ContentLength: -1, Request: r,
	}, nil
}

// reply is what a handler answers.
type reply struct {
	header http.Header
	status int
	body   *io.PipeWriter
	once   sync.Once
	begun  chan struct{} // closed when the header is complete
	ended  chan struct{} // closed when the handler is done
}

// of has a handler answer. One that panics breaks its answer off.
func (a *reply) of(h http.Handler, r *http.Request) {
	defer close(a.ended)
	defer func() {
		cause := recover()
		a.begin()
		if cause != nil {
			a.body.CloseWithError(fmt.Errorf("the answer broke off: %v", cause))
			return
		}
		a.body.Close()
	}()
	h.ServeHTTP(a, r)
}

func (a *reply) begin() { a.once.Do(func() { close(a.begun) }) }

func (a *reply) Header() http.Header { return a.header }

func (a *reply) WriteHeader(status int) {
	a.status = status
	a.begin()
}

func (a *reply) Write(p []byte) (int, error) {
	a.begin()
	return a.body.Write(p)
}

// replyBody is what is read of an answer. Once it is closed the handler is done.
type replyBody struct {
	*io.PipeReader
	ended chan struct{}
}

// Close implements io.Closer.
func (b *replyBody) Close() error {
	err := b.PipeReader.Close()
	<-b.ended
	return err
}
