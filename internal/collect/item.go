package collect

import (
	"bytes"
	"cmp"
	"encoding/json"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/internal/ledger"
)

// items turns what Clay says of a run's items into what the ledger takes.
func (p *Poller) items(target string, results []clay.ItemResult) []ledger.RunItem {
	items := make([]ledger.RunItem, len(results))
	for i, r := range results {
		items[i] = p.item(target, r)
	}
	return items
}

// item turns one of them. An id that is none of a record's leaves the record zero: then it is kept and matches nothing.
func (p *Poller) item(target string, r clay.ItemResult) ledger.RunItem {
	record, _ := ledger.ParseRecordID(r.ID)
	item := ledger.RunItem{Record: record, Body: body(r)}
	if r.Failed() {
		item.Reason = "Clay could not work on it: " + cmp.Or(r.Message, "it ended as "+r.Status)
		return item
	}
	result := object(r.Result)
	if failed := p.Failed[target]; failed != nil {
		if item.Reason = failed(result); item.Reason != "" {
			return item
		}
	}
	item.Result = result
	return item
}

// object makes an object of any result: Clay documents nothing else, and what it paid for is not thrown away for its form.
func object(result json.RawMessage) json.RawMessage {
	text := bytes.TrimSpace(result)
	switch {
	case len(text) == 0 || string(text) == "null":
		return json.RawMessage(`{}`)
	case text[0] == '{':
		return text
	}
	wrapped, err := json.Marshal(map[string]json.RawMessage{"result": text})
	if err != nil { // it was read as JSON
		return json.RawMessage(`{}`)
	}
	return wrapped
}

// body is an item as it came, on one line.
func body(r clay.ItemResult) []byte {
	var line bytes.Buffer
	if json.Compact(&line, r.Raw) != nil { // it was read as JSON
		return []byte(`{}`)
	}
	return line.Bytes()
}
