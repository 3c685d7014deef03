package api

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// answer writes an answer as JSON.
func (c *call) answer(status int, body any) error {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(body); err != nil {
		return err
	}
	return c.write(status, text.Bytes())
}

// What is the same in the header of every answer. Nobody may change it.
var (
	jsonKind = []string{"application/json"}
	noSniff  = []string{"nosniff"}
)

// write writes an answer that is JSON already. It ends with a newline, for people at a terminal.
func (c *call) write(status int, text []byte) error {
	if text[len(text)-1] != '\n' {
		text = append(text, '\n')
	}
	h := c.w.Header()
	h["Content-Type"] = jsonKind
	h["X-Content-Type-Options"] = noSniff
	h["Content-Length"] = []string{strconv.Itoa(len(text))}
	c.w.WriteHeader(status)
	_, _ = c.w.Write(text) // the client left: nothing is to be done
	return nil
}
