package postgres

import (
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/claygate/claygate/internal/ledger"
)

// How topics are written in a notification: a letter for the kind and what it names. Nothing of a record's content is.
var signs = map[any]string{ledger.Deadlines: "td", ledger.Pauses: "tp", ledger.Announced: "ta", ledger.Outbound: "to"}

var signed = func() map[string]any {
	topics := map[string]any{}
	for topic, sign := range signs {
		topics[sign] = topic
	}
	return topics
}()

func encodeTopic(topic any) string {
	switch topic := topic.(type) {
	case ledger.RecordID:
		return "r" + base64.RawURLEncoding.EncodeToString(topic[:])
	case ledger.LoadID:
		return "d" + strconv.FormatInt(int64(topic), 10)
	case ledger.LaneID:
		return "l" + string(topic)
	case ledger.Asking:
		return "a" + string(topic)
	case ledger.Outgoing:
		return "o" + string(topic)
	}
	return signs[topic]
}

// decodeTopic returns nil for what this version does not know.
func decodeTopic(s string) any {
	if topic := signed[s]; topic != nil || s == "" {
		return topic
	}
	name := s[1:]
	switch s[0] {
	case 'r':
		var id ledger.RecordID
		if raw, err := base64.RawURLEncoding.DecodeString(name); err == nil && len(raw) == len(id) {
			copy(id[:], raw)
			return id
		}
	case 'd':
		if id, err := strconv.ParseInt(name, 10, 64); err == nil {
			return ledger.LoadID(id)
		}
	case 'l':
		return ledger.LaneID(name)
	case 'a':
		return ledger.Asking(name)
	case 'o':
		return ledger.Outgoing(name)
	}
	return nil
}

// payload bounds a notification, of which PostgreSQL takes less than 8,000 bytes.
const payload = 7900

// encodeTopics writes topics in as few notifications as they fit in, each with the name of who sent it.
func encodeTopics(sender string, topics map[any]struct{}) (payloads []string) {
	var b strings.Builder
	for topic := range topics {
		s := text(encodeTopic(topic))
		if b.Len()+1+len(s) > payload {
			payloads = append(payloads, b.String())
			b.Reset()
		}
		if b.Len() == 0 {
			b.WriteString(sender)
		}
		b.WriteString("\n" + s)
	}
	if b.Len() > 0 {
		payloads = append(payloads, b.String())
	}
	return payloads
}

// decodeTopics reads a notification; own is true for one that the receiver sent itself.
func decodeTopics(receiver, payload string) (topics map[any]struct{}, own bool) {
	lines := strings.Split(payload, "\n")
	if lines[0] == receiver {
		return nil, true
	}
	topics = map[any]struct{}{}
	for _, line := range lines[1:] {
		if topic := decodeTopic(line); topic != nil {
			topics[topic] = struct{}{}
		}
	}
	return topics, false
}
