package config

import "time"

// Destination is where the ends of records are forwarded. It is exactly one of webhook, http, file and
// postgres.
type Destination struct {
	// Webhook makes it a signed webhook.
	Webhook WebhookDestination `yaml:"webhook"`
	// HTTP makes it any other HTTP service, such as a CRM.
	HTTP HTTPDestination `yaml:"http"`
	// File makes it a file of JSON lines.
	File FileDestination `yaml:"file"`
	// Postgres makes it a table of a PostgreSQL database.
	Postgres PostgresDestination `yaml:"postgres"`
	// Failures forwards records that ended without a result as well. Default false.
	Failures bool `yaml:"failures"`
	// Cached forwards records that were answered from the cache as well. Default false: whoever asked has the answer.
	Cached bool `yaml:"cached"`
	// When is an expression that holds of what is to be forwarded. Default "": everything.
	When string `yaml:"when"`
	// Compute are expressions whose values are added to what is forwarded, by their names. Default none.
	Compute Inputs `yaml:"compute"`
	// PerSecond bounds the deliveries a second. Default 0: no bound.
	PerSecond float64 `yaml:"per_second"`
	// Concurrency is how many requests may be under way. Default 16; 4 connections to a database.
	Concurrency int `yaml:"concurrency"`
	// Timeout of one try, 1 s to 30 s. Default 15 s.
	Timeout time.Duration `yaml:"timeout"`
	// AllowPrivate permits addresses of private networks and of this machine. Default false.
	AllowPrivate bool `yaml:"allow_private"`
}

// WebhookDestination is a signed webhook, as Standard Webhooks 1.0 has them.
type WebhookDestination struct {
	// URL is where events are posted. Needed.
	URL Private `yaml:"url"`
	// Secret signs, whsec_…. Needed.
	Secret Secret `yaml:"secret"`
	// FormerSecret signs as well, while receivers learn the new one. Default none.
	FormerSecret Secret `yaml:"former_secret"`
}

// HTTPDestination is an HTTP service that is told in its own words. All expressions see the event, see [Destination].
type HTTPDestination struct {
	// URL is where requests go. Needed.
	URL Private `yaml:"url"`
	// Method of the requests. Default POST.
	Method HTTPMethod `yaml:"method"`
	// Path is an expression that comes to a text, or a list of texts, which are escaped and follow the URL as segments of
	// its path. Default "": nothing follows.
	Path string `yaml:"path"`
	// Headers of the requests. A value that begins with = is an expression. Default none.
	Headers Headers `yaml:"headers"`
	// Body is an expression that comes to the request's body, which is sent as JSON. Default "": the event; of a batch,
	// a list of what Item comes to.
	Body string `yaml:"body"`
	// Item is an expression that makes one element of a batch; Body sees them all as items. Default "": the event.
	Item string `yaml:"item"`
	// Batch is how many records one request may carry, at most 1,000. Default 1.
	Batch int `yaml:"batch"`
}

// FileDestination is a file of JSON lines, one for each event.
type FileDestination struct {
	// Path of the file. Needed. A relative one is seen from the configuration's folder.
	Path string `yaml:"path"`
	// MaxSize is how many MiB it grows to before it is put aside. Default 100.
	MaxSize int `yaml:"max_size"`
	// Keep is how many files that were put aside are kept. Default 10; 0 keeps all.
	Keep int `yaml:"keep"`
}

// PostgresDestination is a table of a PostgreSQL database. All expressions see the event, see [Destination].
type PostgresDestination struct {
	// DSN is how the database is reached, postgres://user:password@host/database?sslmode=verify-full. Needed.
	DSN Secret `yaml:"dsn"`
	// Table is its name, with its schema where that is not the user's own: sales.people. Needed.
	Table string `yaml:"table"`
	// Key are the columns whose values make a row one. Default none: a row for each record.
	Key Fields `yaml:"key"`
	// Columns are expressions of what is written, by the names of columns. Needed.
	Columns Inputs `yaml:"columns"`
	// Types of columns that are made: text, number, bool or json. Default none: text.
	Types Inputs `yaml:"types"`
	// Create has the table made, and columns that it lacks. Default false.
	Create bool `yaml:"create"`
	// Batch is how many records one statement may write, at most 1,000. Default 100.
	Batch int `yaml:"batch"`
}

// CallbackURLs says how the URLs are called that records bring with them. Without a secret records may bring none.
type CallbackURLs struct {
	// Secret and FormerSecret are as in [WebhookDestination]. Default none.
	Secret       Secret `yaml:"secret"`
	FormerSecret Secret `yaml:"former_secret"`
	// Timeout and AllowPrivate are as in [Destination].
	Timeout      time.Duration `yaml:"timeout"`
	AllowPrivate bool          `yaml:"allow_private"`
}

// Private is a text that is never shown, and may be written out or, like a [Secret], be named.
type Private struct{ Secret }

// Headers are the values of headers, by their names.
type Headers map[string]Private

// HTTPMethod is a method of HTTP.
type HTTPMethod string

// The methods that bring something.
const (
	Post  HTTPMethod = "POST"
	Put   HTTPMethod = "PUT"
	Patch HTTPMethod = "PATCH"
)

func (HTTPMethod) choices() []string { return texts(Post, Put, Patch) }

// The defaults of destinations.
const (
	DefaultConcurrency        = 16
	DefaultDestinationTimeout = 15 * time.Second
	DefaultMaxSize            = 100
	DefaultKeep               = 10
	DefaultRows               = 100 // of one statement
	DefaultConnections        = 4   // to a database, which has few to give
)

func (d *Destination) setDefaults() {
	*d = Destination{
		HTTP: HTTPDestination{Method: Post, Batch: 1}, File: FileDestination{MaxSize: DefaultMaxSize, Keep: DefaultKeep},
		Postgres: PostgresDestination{Batch: DefaultRows}, Concurrency: DefaultConcurrency, Timeout: DefaultDestinationTimeout,
	}
}
