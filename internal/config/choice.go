package config

// choice is a string that takes few values.
type choice interface{ choices() []string }

// LogLevel is how much is logged.
type LogLevel string

// The levels.
const (
	Debug LogLevel = "debug"
	Info  LogLevel = "info"
	Warn  LogLevel = "warn"
	Error LogLevel = "error"
)

func (LogLevel) choices() []string { return texts(Debug, Info, Warn, Error) }

// LogFormat is how a log line looks.
type LogFormat string

// The formats.
const (
	Auto LogFormat = "auto" // text on a terminal, JSON elsewhere
	Text LogFormat = "text"
	JSON LogFormat = "json"
)

func (LogFormat) choices() []string { return texts(Auto, Text, JSON) }

// Uncertain says what becomes of a record whose request may or may not have arrived.
type Uncertain string

// The policies for uncertain records.
const (
	Wait   Uncertain = "wait"   // wait for the result until the deadline, then resend once, then expire
	Resend Uncertain = "resend" // resend once, at once; then give up
	Hold   Uncertain = "hold"   // wait until the deadline, then stop: a person decides
)

func (Uncertain) choices() []string { return texts(Wait, Resend, Hold) }

// Update says what a further result does to a record that is done.
type Update string

// The policies for further results.
const (
	Fill    Update = "fill"    // fill what is still empty
	Replace Update = "replace" // overwrite the fields that it brings
	Ignore  Update = "ignore"  // change nothing
)

func (Update) choices() []string { return texts(Fill, Replace, Ignore) }

// Conflict says what becomes of a record whose key is in flight with other input.
type Conflict string

// The policies for conflicts.
const (
	Join     Conflict = "join"     // share the work in flight and say that the input differs
	Separate Conflict = "separate" // send it as work of its own
	Reject   Conflict = "reject"   // refuse it
)

func (Conflict) choices() []string { return texts(Join, Separate, Reject) }

// LookupKind is an Enterprise endpoint.
type LookupKind string

// The endpoints.
const (
	Person  LookupKind = "person"  // by email
	Company LookupKind = "company" // by domain
)

func (LookupKind) choices() []string { return texts(Person, Company) }

func texts[T ~string](values ...T) []string {
	var all []string
	for _, v := range values {
		all = append(all, string(v))
	}
	return all
}
