package forward

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// HTTP is a destination that is told in its own words, such as a CRM.
type HTTP struct {
	Settings
	// URL is where requests go, by Method.
	URL, Method string
	// Path, when set, comes to what follows the URL: a text, or a list of texts, each a segment.
	Path Value
	// Headers are the same for all requests; Computed are made for each, of a batch for its first record.
	Headers  map[string]string
	Computed map[string]Value
	// Body comes to the body. Nil: the event, or the list of a batch's items. Of a batch it sees them as items.
	Body Value
	// Item makes one element of a batch. Nil: the event.
	Item Value
	// Batch is how many records one request may carry. Default 1.
	Batch int
	// Reach, Timeout: see [Webhook].
	Reach   Reach
	Timeout time.Duration
}

// service is the driver of plain HTTP.
type service struct {
	HTTP
	sender
}

// NewHTTP returns a destination. The error says what is wrong, without the URL.
func NewHTTP(h HTTP) (*Destination, error) {
	if err := CheckURL(h.URL); err != nil {
		return nil, wrong(h.Name, err)
	}
	h.Method = cmp.Or(h.Method, http.MethodPost)
	d := newDestination(h.Settings, &service{h, newSender(h.Reach, h.Settings, h.Timeout)}, h.Batch)
	d.inputs = h.Path != nil || h.Body != nil || h.Item != nil || len(h.Computed) > 0
	return d, nil
}

// deliver implements driver. What a service does not take of many is halved, so that one that it cannot take holds up
// no other.
func (s *service) deliver(ctx context.Context, batch []message) []ledger.DeliveryAnswer {
	answers, rest := make([]ledger.DeliveryAnswer, len(batch)), make([]int, 0, len(batch))
	items := make([]json.RawMessage, len(batch))
	for i, m := range batch {
		var answer ledger.DeliveryAnswer
		if items[i], answer = s.item(m); answer.Outcome != "" {
			answers[i] = answer
			continue
		}
		rest = append(rest, i)
	}
	s.halve(ctx, parcel{batch, items, answers}, rest)
	return answers
}

// parcel is a batch, what each message is in it, and how each ended.
type parcel struct {
	batch   []message
	items   []json.RawMessage
	answers []ledger.DeliveryAnswer
}

// halve sends the messages at some places, together where the service takes them together.
func (s *service) halve(ctx context.Context, p parcel, places []int) {
	if len(places) == 0 {
		return
	}
	answer := s.together(ctx, p, places)
	if len(places) > 1 && (answer.Outcome == ledger.Undelivered || answer.Outcome == ledger.NotTaken && divisible(answer.Status)) {
		half := len(places) / 2
		s.halve(ctx, p, places[:half])
		s.halve(ctx, p, places[half:])
		return
	}
	for _, i := range places {
		p.answers[i] = answer
	}
}

// divisible reports whether an answer may speak about one of several records.
func divisible(status int) bool {
	switch status {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

// item returns what a message is in a batch.
func (s *service) item(m message) (json.RawMessage, ledger.DeliveryAnswer) {
	if s.Item == nil {
		return m.body, ledger.DeliveryAnswer{}
	}
	return evaluate("item", s.Item, m.inputs)
}

// together makes one request of some of a batch's messages.
func (s *service) together(ctx context.Context, p parcel, places []int) ledger.DeliveryAnswer {
	first := p.batch[places[0]]
	body, inputs := p.items[places[0]], first.inputs
	if s.Batch > 1 {
		items := make([]json.RawMessage, len(places))
		for i, place := range places {
			items[i] = p.items[place]
		}
		list, err := json.Marshal(items)
		if err != nil {
			return unsuitable("item", err)
		}
		body, inputs = list, append(append([]byte(`{"items":`), list...), '}')
	}
	if s.Body != nil {
		var answer ledger.DeliveryAnswer
		if body, answer = evaluate("body", s.Body, inputs); answer.Outcome != "" {
			return answer
		}
	}
	header, answer := s.header(first)
	if answer.Outcome != "" {
		return answer
	}
	address, err := s.address(first)
	if err != nil {
		return unsuitable("path", err)
	}
	return s.send(ctx, request{method: s.Method, url: address, header: header, body: body, via: first.via})
}

// header returns a request's headers.
func (s *service) header(m message) (http.Header, ledger.DeliveryAnswer) {
	h := http.Header{"Content-Type": {"application/json"}}
	for name, value := range s.Headers {
		h.Set(name, value)
	}
	for name, value := range s.Computed {
		got, err := value.Of(m.inputs)
		if err != nil {
			return nil, unsuitable("headers."+name, err)
		}
		text := fmt.Sprint(got)
		if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
			return nil, unsuitable("headers."+name, errors.New("what it comes to cannot stand in a header"))
		}
		h.Set(name, text)
	}
	return h, ledger.DeliveryAnswer{}
}

// address returns where a message goes. What comes from a record is escaped: it can choose a segment, and no other host.
func (s *service) address(m message) (string, error) {
	if s.Path == nil {
		return s.URL, nil
	}
	got, err := s.Path.Of(m.inputs)
	if err != nil {
		return "", err
	}
	list, ok := got.([]any)
	if !ok {
		list = []any{got}
	}
	u, err := url.Parse(s.URL)
	if err != nil {
		return "", err
	}
	path := strings.TrimSuffix(u.EscapedPath(), "/")
	for _, part := range list {
		segment := fmt.Sprint(part)
		if part == nil || segment == "" || segment == "." || segment == ".." {
			return "", fmt.Errorf("it comes to %q, which is no segment of a path", segment)
		}
		path += "/" + url.PathEscape(segment)
	}
	u.Path, err = url.PathUnescape(path)
	u.RawPath = path
	return u.String(), err
}

// evaluate returns what an expression comes to, as JSON.
func evaluate(what string, v Value, inputs json.RawMessage) (json.RawMessage, ledger.DeliveryAnswer) {
	got, err := v.Of(inputs)
	if err != nil {
		return nil, unsuitable(what, err)
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(got); err != nil {
		return nil, unsuitable(what, err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), ledger.DeliveryAnswer{}
}

// close implements driver.
func (s *service) close() { s.sender.close() }
