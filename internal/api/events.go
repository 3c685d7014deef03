package api

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

const (
	heartbeat   = 15 * time.Second // proxies cut a silent connection off after 30 s or more
	eventsBatch = 100
)

// Event is what is told of a target, or of all of them.
type Event struct {
	Target string     `json:"target,omitempty"`
	Reason string     `json:"reason"`
	At     *time.Time `json:"at"`
}

// stream is one client that follows the events.
type stream struct {
	*call
	target string // the only one, "" for all that the key reaches
	after  int64  // the last event that it has
}

// events answers GET /v1/events, a stream of server-sent events. A client that comes back with Last-Event-ID misses
// nothing of the last seven days.
func (s *server) events(c *call) error {
	st, err := s.stream(c)
	if err != nil {
		return err
	}
	changed, cancel := s.Hub.Subscribe(ledger.Announced)
	defer cancel()
	h := c.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would hold the events back
	// Whoever comes back before anything has happened goes on from here.
	if st.write([]byte("id: "+strconv.FormatInt(st.after, 10)+"\nretry: 2000\n\n")) != nil {
		return nil
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		if s.still(c) != nil {
			return nil
		}
		more, err := s.catchUp(st)
		if err != nil {
			return nil // the client left, or comes back and asks from where it was
		}
		if more {
			continue
		}
		select {
		case <-changed:
		case <-beat.C:
			if st.write([]byte(": still here\n\n")) != nil {
				return nil
			}
		case <-s.Stop.Done():
			return nil
		case <-c.Context().Done():
			return nil
		}
	}
}

// stream reads what a client wants to follow, and from where.
func (s *server) stream(c *call) (*stream, error) {
	params, err := c.params("target")
	if err != nil {
		return nil, err
	}
	st := &stream{call: c}
	if name := params.Get("target"); name != "" {
		if st.target, err = s.watched(c, name); err != nil {
			return nil, err
		}
	}
	last, err := s.Ledger.LastNotice(c.Context())
	if err != nil {
		return nil, err
	}
	st.after = last
	if text := c.Header.Get("Last-Event-ID"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 {
			return nil, refusal(invalid, "the Last-Event-ID must be the id of an event")
		}
		st.after = min(n, last) // one of another ledger's must not silence the stream
	}
	return st, nil
}

// catchUp sends the events that the client does not have yet. More says that there may be others.
func (s *server) catchUp(st *stream) (more bool, err error) {
	notices, err := s.Ledger.Notices(st.Context(), st.after, eventsBatch)
	if err != nil || len(notices) == 0 {
		return false, err
	}
	records, err := s.noticed(st, notices)
	if err != nil {
		return false, err
	}
	var text bytes.Buffer
	for _, n := range notices {
		st.after = n.Seq
		if !st.wants(n) {
			continue
		}
		var data any = Event{Target: n.Target, Reason: n.Reason, At: moment(n.At)}
		if !n.Record.IsZero() {
			r, ok := records[n.Record]
			if !ok {
				continue // erased meanwhile
			}
			data = View(r)
		}
		if err := writeEvent(&text, n, data); err != nil {
			return false, err
		}
	}
	if text.Len() > 0 {
		err = st.write(text.Bytes())
	}
	return len(notices) == eventsBatch, err
}

// noticed reads the records that the notices are about.
func (s *server) noticed(st *stream, notices []ledger.Notice) (map[ledger.RecordID]*ledger.Record, error) {
	var ids []ledger.RecordID
	records := map[ledger.RecordID]*ledger.Record{}
	for _, n := range notices {
		if _, twice := records[n.Record]; !n.Record.IsZero() && st.wants(n) && !twice {
			ids = append(ids, n.Record)
			records[n.Record] = nil
		}
	}
	read, err := s.Ledger.Records(st.Context(), ids)
	clear(records)
	for i := range read {
		records[read[i].ID] = &read[i]
	}
	return records, err
}

// wants reports whether the client is to be told.
func (st *stream) wants(n ledger.Notice) bool {
	switch {
	case n.Target != "":
		return st.who.reaches(n.Target) && (st.target == "" || st.target == n.Target)
	case n.Kind == ledger.AllStopped || n.Kind == ledger.AllStarted:
		return true
	}
	return !st.who.bound() && st.target == "" // whose it is, such as a destination's, is not said
}

func writeEvent(text *bytes.Buffer, n ledger.Notice, data any) error {
	text.WriteString("id: " + strconv.FormatInt(n.Seq, 10) + "\nevent: " + string(n.Kind) + "\ndata: ")
	enc := json.NewEncoder(text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(data); err != nil { // on one line, whatever stood between a record's members
		return err
	}
	text.WriteByte('\n')
	return nil
}

// write sends text at once, to a client that takes it in time.
func (st *stream) write(text []byte) error {
	_ = st.control.SetWriteDeadline(time.Now().Add(writeTime))
	if _, err := st.w.Write(text); err != nil {
		return err
	}
	return st.control.Flush()
}
