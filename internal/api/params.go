package api

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/claygate/claygate/internal/intake"
)

// query returns the parameters of the request's URL, as far as they can be read.
func (c *call) query() url.Values {
	if c.URL.RawQuery == "" {
		return nil // most requests have none
	}
	return c.URL.Query()
}

// params returns the parameters of the request's URL. Only those named may be there, and each once.
func (c *call) params(names ...string) (url.Values, error) {
	if c.URL.RawQuery == "" {
		return nil, nil
	}
	values, err := url.ParseQuery(c.URL.RawQuery)
	if err != nil {
		return nil, refusal(invalid, "the part of the URL after ? cannot be read")
	}
	for name, given := range values {
		switch {
		case !known(name, names) && len(names) == 0:
			return nil, refusal(invalid, "the parameter %.40q is unknown: there are none here", name)
		case !known(name, names):
			p := unknownMember(name, names)
			p.Detail = "in the URL, " + p.Detail
			return nil, p
		case len(given) > 1:
			return nil, refusal(invalid, "the parameter %q is given twice", name)
		}
	}
	return values, nil
}

// flag reads a parameter that is 1 or 0.
func flag(values url.Values, name string) (bool, error) {
	if !values.Has(name) {
		return false, nil
	}
	on, err := strconv.ParseBool(values.Get(name))
	if err != nil {
		return false, refusal(invalid, "%q must be 1 or 0", name)
	}
	return on, nil
}

// members reads the request's body, one JSON object with none but the named members. No body is an empty object.
func (c *call) members(names ...string) ([]intake.Member, error) {
	if c.Body == http.NoBody || c.ContentLength == 0 {
		return nil, nil
	}
	form, err := bodyFormat(c.Request)
	if err != nil {
		return nil, err
	}
	if form != jsonBody {
		return nil, refusal(unsupported, "one JSON object is wanted here, not lines")
	}
	raw, err := c.body(maxRecord)
	if err != nil || len(raw) == 0 {
		return nil, err
	}
	members, err := intake.Members(raw)
	if err != nil {
		return nil, refusal(invalid, "%s", err)
	}
	for _, m := range members {
		if !known(m.Name, names) {
			if len(names) == 0 {
				return nil, refusal(invalid, "the member %.40q is unknown: this takes none", m.Name)
			}
			return nil, unknownMember(m.Name, names)
		}
	}
	return members, nil
}
