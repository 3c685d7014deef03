package clay

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Person is what Clay knows about a person. A field that Clay does not know is empty.
// Name a field of this type and do not embed it: Go would take its JSON methods for those of
// the struct around it, whose other fields would then be neither read nor written.
type Person struct {
	Name        string `json:"name,omitempty"`         // in full
	Email       string `json:"email,omitempty"`        // the address
	Title       string `json:"title,omitempty"`        // the job
	Company     string `json:"company,omitempty"`      // the employer's name
	LinkedInURL string `json:"linkedin_url,omitempty"` // of the profile
	Location    string `json:"location,omitempty"`     // where the person is
	// Extra holds every other field as Clay sent it, and those above whose value was
	// of another shape, e.g. a company that is an object.
	Extra map[string]json.RawMessage `json:"-"`
}

// Company is what Clay knows about a company. A field that Clay does not know is empty.
// Name a field of this type and do not embed it: Go would take its JSON methods for those of
// the struct around it, whose other fields would then be neither read nor written.
type Company struct {
	Name     string `json:"name,omitempty"`     // of the company
	Domain   string `json:"domain,omitempty"`   // e.g. example.com
	Industry string `json:"industry,omitempty"` // in Clay's words
	// EmployeeCount is 0 when it is not known or not a number, e.g. "51-200"; that
	// text is then in Extra.
	EmployeeCount int    `json:"employee_count,omitempty"`
	LinkedInURL   string `json:"linkedin_url,omitempty"` // of its page
	Location      string `json:"location,omitempty"`     // of the headquarters
	Description   string `json:"description,omitempty"`  // free text
	// Extra holds every other field as Clay sent it, and those above whose value was
	// of another shape.
	Extra map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON reads a person and keeps what it does not know in Extra.
func (p *Person) UnmarshalJSON(data []byte) (err error) {
	*p = Person{}
	p.Extra, err = readKnown(data, p)
	return err
}

// MarshalJSON writes the person as Clay would, with what is in Extra.
func (p Person) MarshalJSON() ([]byte, error) {
	type plain Person
	return withExtra(plain(p), p.Extra)
}

// UnmarshalJSON reads a company and keeps what it does not know in Extra.
func (c *Company) UnmarshalJSON(data []byte) (err error) {
	*c = Company{}
	c.Extra, err = readKnown(data, c)
	return err
}

// MarshalJSON writes the company as Clay would, with what is in Extra.
func (c Company) MarshalJSON() ([]byte, error) {
	type plain Company
	return withExtra(plain(c), c.Extra)
}

func object(data []byte) (map[string]json.RawMessage, error) {
	var fields map[string]json.RawMessage
	err := json.Unmarshal(data, &fields)
	return fields, err
}

// readKnown moves the fields of an object, or of text that holds one, into the struct that v
// points to, each by its tag without regard to case, and returns those that are not there or cannot be read as what is.
func readKnown(data []byte, v any) (extra map[string]json.RawMessage, err error) {
	fields, err := object(unwrap(data, '{'))
	if err != nil {
		return nil, err
	}
	s := reflect.ValueOf(v).Elem()
	for i := range s.NumField() {
		name, _, _ := strings.Cut(s.Type().Field(i).Tag.Get("json"), ",")
		if name = spelled(fields, name); name != "-" && Unmarshal(fields[name], s.Field(i).Addr().Interface()) == nil {
			delete(fields, name)
		}
	}
	return fields, nil
}

// spelled is how a member's name is written in an object: exactly so, else in another case;
// the name itself when the object does not have it.
func spelled(fields map[string]json.RawMessage, name string) string {
	if _, exact := fields[name]; exact {
		return name
	}
	for _, other := range slices.Sorted(maps.Keys(fields)) {
		if strings.EqualFold(name, other) {
			return other
		}
	}
	return name
}

// withExtra adds fields to an encoded object that does not have them yet.
func withExtra(known any, extra map[string]json.RawMessage) ([]byte, error) {
	data, err := marshal(known)
	if err != nil || len(extra) == 0 {
		return data, err
	}
	fields, err := object(data)
	if err != nil {
		return nil, err
	}
	b := bytes.NewBuffer(bytes.TrimSuffix(bytes.TrimSpace(data), []byte("}")))
	for _, name := range slices.Sorted(maps.Keys(extra)) {
		if _, taken := fields[name]; taken {
			continue
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		key, err := json.Marshal(name)
		if err != nil {
			return nil, err
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(extra[name])
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
