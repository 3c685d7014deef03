package claytest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// span is a duration that JSON writes as "1.5s".
type span time.Duration

func (s span) MarshalText() ([]byte, error) { return []byte(time.Duration(s).String()), nil }

func (s *span) UnmarshalText(b []byte) error {
	d, err := time.ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf("%q is no duration: write it like 300ms or 1.5s", b)
	}
	*s = span(d)
	return nil
}

// strict decodes one JSON value and refuses fields it does not know.
func strict(b []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if d.More() {
		return fmt.Errorf("there is more after the JSON value")
	}
	return nil
}

// plainFault is a Fault without its methods, so that the embedded fields are
// encoded as they stand.
type plainFault Fault

type faultJSON struct {
	*plainFault
	Latency span `json:"latency,omitzero"`
}

// MarshalJSON writes the fault without When, with the latency as text.
func (f Fault) MarshalJSON() ([]byte, error) {
	return json.Marshal(faultJSON{(*plainFault)(&f), span(f.Latency)})
}

// UnmarshalJSON reads what MarshalJSON writes; unknown fields are an error.
func (f *Fault) UnmarshalJSON(b []byte) error {
	*f = Fault{}
	aux := faultJSON{plainFault: (*plainFault)(f)}
	err := strict(b, &aux)
	f.Latency = time.Duration(aux.Latency)
	return err
}

type plainColumn Column

type columnJSON struct {
	*plainColumn
	Delay struct {
		Min span `json:"min"`
		Max span `json:"max"`
	} `json:"delay,omitzero"`
	Timeout span `json:"timeout,omitzero"`
	Limit   struct {
		Requests int  `json:"requests"`
		Per      span `json:"per"`
	} `json:"limit,omitzero"`
}

// MarshalJSON writes the column without OnlyIf, with durations as text.
func (c Column) MarshalJSON() ([]byte, error) {
	aux := columnJSON{plainColumn: (*plainColumn)(&c), Timeout: span(c.Timeout)}
	aux.Delay.Min, aux.Delay.Max = span(c.Delay.Min), span(c.Delay.Max)
	aux.Limit.Requests, aux.Limit.Per = c.Limit.Requests, span(c.Limit.Per)
	return json.Marshal(aux)
}

// UnmarshalJSON reads what MarshalJSON writes; unknown fields are an error.
func (c *Column) UnmarshalJSON(b []byte) error {
	*c = Column{}
	aux := columnJSON{plainColumn: (*plainColumn)(c)}
	err := strict(b, &aux)
	c.Delay = Delay{Min: time.Duration(aux.Delay.Min), Max: time.Duration(aux.Delay.Max)}
	c.Limit = Limit{Requests: aux.Limit.Requests, Per: time.Duration(aux.Limit.Per)}
	c.Timeout = time.Duration(aux.Timeout)
	return err
}
