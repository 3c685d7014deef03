package api

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/claygate/claygate/internal/intake"
)

const (
	maxLines   = 1_000_000     // lines in one request
	batchBytes = 1 << 20       // of lines that are accepted together, so that long ones do not add up
	linesTime  = 1 * time.Hour // for a whole request, however it trickles
)

// line is one line of a request: a record to be, or a problem.
type line struct {
	n       int // from 1
	item    intake.Item
	problem *Problem
}

// submitLines hands in a record from each line. The answers wait until the body has been read, because a client that
// writes before it reads would wait for us, and we for it. Memory holds a few batches, however long the body.
func (s *server) submitLines(c *call, sub submission) error {
	if err := c.notOnce(); err != nil {
		return err
	}
	if _, asked := c.query()["wait"]; asked {
		return refusal(invalid, `lines are not waited for: leave "wait" out`).but("send an array of at most 100 records to wait for them")
	}
	sub.def.Priority = 0 // a preference to wait is passed over
	c.w.Header().Del("Preference-Applied")
	answers := &spill{}
	defer answers.close()
	if err := s.takeLines(c, sub, answers); err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", "application/x-ndjson")
	c.w.WriteHeader(http.StatusOK)
	_ = answers.copyTo(slowWriter{c}) // the client left: its records are in the ledger
	return nil
}

// takeLines reads the lines and has them accepted, a batch while the next one is read. The error is a defect's, or the
// temporary file's: what is wrong with lines or the ledger is in their answers.
func (s *server) takeLines(c *call, sub submission, answers *spill) error {
	batches := make(chan []line, 1)
	accepted := make(chan error, 1)
	go func() {
		var failed error
		for batch := range batches {
			if failed == nil {
				failed = s.acceptLines(c, sub.target, batch, answers)
			}
		}
		accepted <- failed
	}()
	readLines(c, sub.def, batches)
	close(batches)
	return <-accepted
}

// readLines parts the body into batches of lines.
func readLines(c *call, def intake.Item, batches chan<- []line) {
	in := &lineReader{from: bufio.NewReaderSize(slowReader{c, time.Now().Add(linesTime)}, 64<<10)}
	var batch []line
	size := 0
	flush := func() {
		if len(batch) > 0 {
			batches <- batch
			batch, size = make([]line, 0, batchLength), 0
		}
	}
	defer flush()
	for n := 1; ; n++ {
		raw, err := in.next()
		tooLong := errors.Is(err, errLongLine)
		switch {
		case errors.Is(err, io.EOF):
			return
		case err != nil && !tooLong:
			batch = append(batch, line{n: n, problem: refusal(invalid, "the body ended too early or came too slowly: this line and all after it are not taken")})
			return
		case n > maxLines:
			batch = append(batch, line{n: n, problem: refusal(tooLarge, "a request takes %d lines: this line and all after it are not taken", maxLines)})
			return
		case tooLong:
			batch = append(batch, line{n: n, problem: refusal(tooLarge, "the line is longer than %d bytes", maxRecord)})
		case blank(raw):
			continue
		default:
			batch = append(batch, parseLine(n, raw, def))
			size += len(raw)
		}
		if len(batch) == batchLength || size > batchBytes {
			flush()
		}
	}
}

func blank(raw []byte) bool {
	for _, c := range raw {
		if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return false
		}
	}
	return true
}

func parseLine(n int, raw []byte, def intake.Item) line {
	item, err := parseItem(raw, def)
	if p, ok := errors.AsType[*Problem](err); ok {
		return line{n: n, problem: p}
	}
	return line{n: n, item: item}
}
