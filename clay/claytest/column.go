package claytest

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Defaults of [Column]. The retries, their statuses and the outbound limit are
// documented by Clay, the default response timeout is not (docs/clay.md, "The
// HTTP API column").
const (
	DefaultIDField     = "claygate_id"
	DefaultRetryOn     = "408,413,429"
	DefaultTimeout     = 30 * time.Second
	DefaultConcurrency = 64

	maxRetries = 5
	maxTimeout = 100 * time.Second
	maxValue   = 200 << 10 // an action cell's size
)

// DefaultFields are the enriched fields the default body carries.
func DefaultFields() []string {
	return []string{"name", "title", "company", "linkedin_url", "location"}
}

// Column is a table's HTTP API column: it posts each row, once enriched, to a
// URL. Chips, {{field}}, in URL and Body stand for the row's values: an enriched
// field of that name, else a field of the submission, else null; {{row.field}}
// is the submission's even where an enriched one has the name, and
// {{a.b}} reaches into objects.
type Column struct {
	// Webhook is the table the column belongs to. Default: every table that
	// has none of its own.
	Webhook string `json:"webhook,omitempty"`
	// URL is where to send. Empty means there is no column.
	URL string `json:"url"`
	// Method is GET, POST, PUT or DELETE. Default POST.
	Method string `json:"method,omitempty"`
	// Header is sent with every request, beside Content-Type: application/json.
	Header http.Header `json:"header,omitempty"`
	// Body is the template of the body. Chips are JSON-serialised; between
	// quotes they send strings. Default: a JSON object of IDField and Fields.
	Body string `json:"body,omitempty"`
	// IDField names the submission's field the default body sends back
	// unchanged. Default claygate_id.
	IDField string `json:"id_field,omitempty"`
	// Fields name what else the default body carries. Default [DefaultFields].
	Fields []string `json:"fields,omitempty"`
	// RemoveEmpty leaves null and "" out of the body, Clay's "Remove empty
	// values".
	RemoveEmpty bool `json:"remove_empty,omitempty"`
	// Required names what must not be empty: otherwise the row is skipped with
	// "Some inputs missing" and sends nothing.
	Required []string `json:"required,omitempty"`
	// OnlyIf, when set, skips rows it is false for: Clay's "Only run if". It
	// gets the submission (nil unless that was an object) and the enriched
	// fields and may be called from several goroutines.
	OnlyIf func(input, enriched map[string]any) bool `json:"-"`

	// Delay is what enriching a row takes.
	Delay Delay `json:"-"`
	// Retries is how often a failed request is sent again, at once. Default 1,
	// at most 5; negative: never.
	Retries int `json:"retries,omitempty"`
	// RetryOn lists the statuses to retry, such as "429,500-503". Refused,
	// reset and timed out connections always are. Default "408,413,429".
	RetryOn string `json:"retry_on,omitempty"`
	// Timeout of a response. Default 30 s, at most 100 s.
	Timeout time.Duration `json:"-"`
	// Limit is the outbound rate limit. Default 100 requests per second.
	Limit Limit `json:"-"`
	// Concurrency is how many requests may be under way. Default 64.
	Concurrency int `json:"concurrency,omitempty"`
}

// Delay is a span from which each row's delay is taken, by hash of the seed and
// the row's number. Default 300 ms to 1.5 s; a negative Max: no delay.
type Delay struct{ Min, Max time.Duration }

// Limit allows so many requests in any span of the length Per. Default 100 per
// second; negative Requests: no limit.
type Limit struct {
	Requests int
	Per      time.Duration
}

// withDefaults fills in what was left zero.
func (c Column) withDefaults() Column {
	if c.Method == "" {
		c.Method = http.MethodPost
	}
	if c.IDField == "" {
		c.IDField = DefaultIDField
	}
	if c.Fields == nil {
		c.Fields = DefaultFields()
	}
	if c.Delay == (Delay{}) {
		c.Delay = Delay{Min: 300 * time.Millisecond, Max: 1500 * time.Millisecond}
	}
	if c.Retries == 0 {
		c.Retries = 1
	}
	if c.RetryOn == "" {
		c.RetryOn = DefaultRetryOn
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Limit.Requests == 0 {
		c.Limit.Requests = 100
	}
	if c.Limit.Per <= 0 {
		c.Limit.Per = time.Second
	}
	if c.Concurrency < 1 {
		c.Concurrency = DefaultConcurrency
	}
	return c
}

// column is a Column made ready to run.
type column struct {
	Column
	url     template
	body    template
	retryOn statusSet
	window  *window
	workers *workers
}

// compile checks a column as Clay's editor would. A column without a URL is
// nil: there is none.
func compile(c Column) (*column, error) {
	if c.URL == "" {
		return nil, nil
	}
	c = c.withDefaults()
	c.Header, c.Fields, c.Required = c.Header.Clone(), slices.Clone(c.Fields), slices.Clone(c.Required)
	if !slices.Contains([]string{"GET", "POST", "PUT", "DELETE"}, c.Method) {
		return nil, fmt.Errorf("claytest: the column's method is %q: use GET, POST, PUT or DELETE", c.Method)
	}
	if c.Retries > maxRetries {
		return nil, fmt.Errorf("claytest: the column has %d retries: Clay allows %d", c.Retries, maxRetries)
	}
	if c.Timeout < 0 || c.Timeout > maxTimeout {
		return nil, errors.New("claytest: Response timeout must be less than 100000ms")
	}
	retryOn, err := parseStatuses(c.RetryOn)
	if err != nil {
		return nil, err
	}
	col := &column{
		Column: c, retryOn: retryOn,
		window:  newWindow(c.Limit.Requests, c.Limit.Per),
		workers: &workers{limit: c.Concurrency},
	}
	if col.url, err = parseTemplate(c.URL); err != nil {
		return nil, fmt.Errorf("claytest: the column's URL: %w", err)
	}
	if col.body, err = parseTemplate(c.Body); err != nil {
		return nil, fmt.Errorf("claytest: the column's body: %w", err)
	}
	return col, nil
}

// delay is how long the row with that number takes.
func (c *column) delay(seed uint64, number int) time.Duration {
	return c.Delay.of(seed, "delay", number)
}

// of is the delay of that number.
func (d Delay) of(seed uint64, label string, number int) time.Duration {
	span := d.Max - d.Min
	if d.Max < 0 {
		return 0
	}
	if span <= 0 {
		return d.Min
	}
	return d.Min + time.Duration(share(hash(seed, label, number))*float64(span))
}
