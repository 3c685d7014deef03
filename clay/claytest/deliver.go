package claytest

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"sync"
	"time"
)

// deliver enriches one row and sends it, or says in its cell why not.
func (r *runner) deliver(ctx context.Context, col *column, j *job) {
	if ctx.Err() != nil {
		return
	}
	v := values{input: decode(j.row.Body)}
	v.enriched, _ = r.send.enricher.Person(v.input)
	if why := col.skip(v); why != "" {
		r.book.setCell(j.row, Cell{State: CellSkipped, Error: why})
		return
	}
	fault := Fault{}
	if j.fault != nil {
		fault = j.fault.Fault
	}
	if fault.Kind == CallbackMissing {
		r.book.setCell(j.row, Cell{State: CellMissing, Error: "held back by a fault"})
		return
	}
	out := outgoing{row: j.row, column: col, url: col.url.url(v), body: col.render(v)}
	var copies sync.WaitGroup
	if fault.Kind == CallbackDouble {
		copies.Go(func() {
			if sleep(ctx, fault.Latency) {
				r.send.send(ctx, out)
			}
		})
	}
	cell, ok := r.send.send(ctx, out)
	copies.Wait()
	if ok {
		r.book.setCell(j.row, cell)
	}
}

// skip says why a row sends nothing, or "". The texts are those of Clay's cells
// (docs/clay.md, "The HTTP API column").
func (c *column) skip(v values) string {
	for _, name := range c.Required {
		if isEmpty(v.lookup(name)) {
			return "Some inputs missing"
		}
	}
	if c.OnlyIf != nil && !c.OnlyIf(v.input, v.enriched) {
		return "Run condition not met"
	}
	return ""
}

// render is the body to send.
func (c *column) render(v values) string {
	body := c.body.body(v)
	if c.Body == "" {
		body = c.defaultBody(v)
	}
	if !c.RemoveEmpty {
		return body
	}
	object := decode([]byte(body))
	if object == nil {
		return body
	}
	for name, value := range object {
		if isEmpty(value) {
			delete(object, name)
		}
	}
	return encode(object)
}

// defaultBody is the id field followed by the fields.
func (c *column) defaultBody(v values) string {
	var b strings.Builder
	b.WriteString("{" + encode(c.IDField) + ":" + encode(v.input[c.IDField]))
	for _, name := range c.Fields {
		b.WriteString("," + encode(name) + ":" + encode(v.lookup(name)))
	}
	b.WriteByte('}')
	return b.String()
}

// decode reads a JSON object, keeping numbers as they were written; anything
// else is nil.
func decode(body []byte) map[string]any {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var object map[string]any
	if d.Decode(&object) != nil {
		return nil
	}
	return object
}

// sleep waits, and reports whether the context let it.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
