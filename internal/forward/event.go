package forward

import (
	"encoding/json"
	"time"
)

// event writes an event as receivers get it, in the form that Standard Webhooks recommends: its type, when it happened,
// and the record as the API shows it.
func event(m message, seen, computed json.RawMessage) json.RawMessage {
	b := make([]byte, 0, 160+len(seen)+len(computed))
	b = append(b, `{"type":"`...)
	b = append(b, m.delivery.Event...)
	b = append(b, `","timestamp":"`...)
	b = m.delivery.CreatedAt.UTC().AppendFormat(b, time.RFC3339Nano)
	b = append(b, `","id":"`...)
	b = append(b, m.id...)
	b = append(b, `","data":`...)
	b = append(b, seen...)
	if computed != nil {
		b = append(b, `,"computed":`...)
		b = append(b, computed...)
	}
	return append(b, '}')
}

// inputs writes what expressions see: the event's type and id, the record, and the parts of it that are asked for most.
func inputs(m message, seen json.RawMessage) json.RawMessage {
	b := make([]byte, 0, 200+len(seen)+len(m.record.Fields)+len(m.record.Result)+len(m.record.Metadata))
	b = append(b, `{"event":"`...)
	b = append(b, m.delivery.Event...)
	b = append(b, `","id":"`...)
	b = append(b, m.id...)
	b = append(b, `","record":`...)
	b = append(b, seen...)
	for _, part := range []struct {
		name string
		body json.RawMessage
	}{{"fields", m.record.Fields}, {"result", m.record.Result}, {"metadata", m.record.Metadata}} {
		b = append(b, `,"`...)
		b = append(b, part.name...)
		b = append(b, `":`...)
		if part.body == nil {
			part.body = json.RawMessage("null")
		}
		b = append(b, part.body...)
	}
	return append(b, '}')
}
