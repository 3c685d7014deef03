package api

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

const (
	// keptPath is where the files of results are that followed bulk runs have brought. They are asked for without a key, as
	// those in Clay's store are: the link is one, for as long as Clay's.
	keptPath = "/public/results/"
	linkLife = 15 * time.Minute
	// stretch is how many items are read at a time: each may be as large as Clay's cells.
	stretch = 50
)

// keptLink fills in the link to a bulk run's results; ok is false when they are no longer here.
func (s *server) keptLink(c *call, run ledger.Run, answer *keptRun) (ok bool, err error) {
	if run.Brought > 0 {
		last, err := s.Ledger.Brought(c.Context(), run.ID, run.Brought-1, 1)
		if err != nil || len(last) == 0 {
			return false, err
		}
	}
	token, err := s.linkTo(c.Context(), run.ID, time.Now().Add(linkLife))
	if err != nil {
		return false, err
	}
	scheme := "http"
	if c.TLS != nil || c.Header.Get("X-Forwarded-Proto") == "https" {
		scheme = "https"
	}
	answer.ResultURL = scheme + "://" + c.Host + keptPath + token
	return true, nil
}

// linkTo returns the token of a link: the run, until when it may be read, and what proves both.
func (s *server) linkTo(ctx context.Context, id ledger.RunID, until time.Time) (string, error) {
	key, err := s.Ledger.Secret(ctx, "results")
	if err != nil {
		return "", err
	}
	text := binary.BigEndian.AppendUint64(nil, uint64(id))
	text = binary.BigEndian.AppendUint64(text, uint64(until.Unix()))
	mac := hmac.New(sha256.New, key)
	mac.Write(text)
	return base64.RawURLEncoding.EncodeToString(append(text, mac.Sum(nil)[:16]...)), nil
}

// linked returns the run that a link leads to.
func (s *server) linked(ctx context.Context, token string) (ledger.RunID, error) {
	dead := refusal(forbidden, "the link has expired, or was never given out").but("ask for the run's results again: each answer has a fresh link")
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) != 32 {
		return 0, dead
	}
	id, until := ledger.RunID(binary.BigEndian.Uint64(raw)), time.Unix(int64(binary.BigEndian.Uint64(raw[8:])), 0)
	want, err := s.linkTo(ctx, id, until)
	if err != nil {
		return 0, err
	}
	if !hmac.Equal([]byte(want), []byte(token)) || time.Now().After(until) {
		return 0, dead
	}
	return id, nil
}

// keptFile answers GET of such a link.
func (s *server) keptFile(c *call) error {
	id, err := s.linked(c.Context(), c.PathValue("token"))
	if err != nil {
		return err
	}
	run, err := s.Ledger.Run(c.Context(), id)
	if err != nil {
		return err
	}
	up := s.upstreamOf(run.Lane)
	if up == nil {
		return refusal(notFound, "the run's workspace is no longer one of the gateway's")
	}
	c.w.Header().Set("Content-Disposition", `attachment; filename="results.jsonl"`)
	c.passBack(up, &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/x-ndjson"}},
		Body: io.NopCloser(&keptLines{s: s, c: c, run: run}),
	})
	return nil
}

// upstreamOf returns the workspace that a lane is of, nil for none.
func (s *server) upstreamOf(lane ledger.LaneID) *Upstream {
	if s.Upstreams == nil {
		return nil
	}
	all := s.Upstreams()
	if i := slices.IndexFunc(all, func(up Upstream) bool { return up.Lane == lane }); i >= 0 {
		return &all[i]
	}
	return nil
}

// keptLines reads a run's items as lines.
type keptLines struct {
	s    *server
	c    *call
	run  ledger.Run
	at   int    // items that were read
	line []byte // of them, what was not yet given out
}

// Read implements io.Reader. The client has time anew for each stretch, and a file that is removed meanwhile is cut short.
func (l *keptLines) Read(p []byte) (int, error) {
	if len(l.line) == 0 && l.at < l.run.Brought {
		l.c.patient(0)
		items, err := l.s.Ledger.Brought(l.c.Context(), l.run.ID, l.at, stretch)
		if err == nil && len(items) == 0 {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return 0, err
		}
		for _, item := range items {
			l.line = append(append(l.line, keptItem(item)...), '\n')
		}
		l.at += len(items)
	}
	if len(l.line) == 0 {
		return 0, io.EOF
	}
	n := copy(p, l.line)
	l.line = l.line[n:]
	return n, nil
}
