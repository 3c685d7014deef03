package config

import "time"

const day = 24 * time.Hour

// The defaults that hold before anything is read. Those of max_age, empty_max_age, retention.metadata and on_uncertain
// depend on other keys, see [Table] and [Retention].
const (
	DefaultListen         = "127.0.0.1:8787"
	DefaultCallbackListen = "127.0.0.1:8788"
	DefaultBodies         = 30 * day
	DefaultMetadata       = 90 * day
	DefaultAudit          = 365 * day
	DefaultBaseURL        = "https://api.clay.com"
	DefaultPerSecond      = 10
	DefaultBurst          = 10
	DefaultMaxAge         = 30 * day
	DefaultEmptyMaxAge    = day
	DefaultResultTimeout  = 30 * time.Minute
	DefaultIDField        = "claygate_id"
	DefaultWebhookLimit   = 50_000
	DefaultAPIPerSecond   = 5
	DefaultAPIBurst       = 5
	DefaultLinger         = 200 * time.Millisecond
	DefaultBulkFrom       = 1000
	DefaultRunTimeout     = day
	DefaultTimeZone       = "UTC"
)

// defaulter is a part of the configuration that does not start at its zero value.
type defaulter interface{ setDefaults() }

func (c *Config) setDefaults() {
	*c = Config{
		TimeZone: DefaultTimeZone, Listen: DefaultListen, CallbackListen: DefaultCallbackListen,
		Retention: Retention{Bodies: DefaultBodies, Metadata: DefaultMetadata, Audit: DefaultAudit},
		Log:       Log{Level: Info, Format: Auto}, CallbackURLs: CallbackURLs{Timeout: DefaultDestinationTimeout},
		Alerts: Alerts{DeadLetters: DefaultDeadLetters, Callbacks: DefaultCallbacks, OldestWaiting: DefaultOldestWaiting},
	}
}

func (w *Workspace) setDefaults() {
	*w = Workspace{
		Budget:  Budget{OnExhausted: HoldBack},
		BaseURL: DefaultBaseURL, Pace: Pace{PerSecond: DefaultPerSecond, Burst: DefaultBurst},
		APIPace: APIPace{PerSecond: DefaultAPIPerSecond, Burst: DefaultAPIBurst},
	}
}

func (t *Table) setDefaults() {
	*t = Table{
		Budget:       Budget{OnExhausted: HoldBack},
		AwaitsResult: true, MaxAge: DefaultMaxAge, EmptyMaxAge: DefaultEmptyMaxAge, OnConflict: Join,
		ResultTimeout: DefaultResultTimeout, OnUpdate: Fill, IDField: DefaultIDField,
	}
}

func (w *Webhook) setDefaults() { *w = Webhook{Limit: DefaultWebhookLimit} }

func (l *Lookup) setDefaults() {
	*l = Lookup{Budget: Budget{OnExhausted: HoldBack}, MaxAge: DefaultMaxAge, EmptyMaxAge: DefaultEmptyMaxAge, OnConflict: Join, OnUncertain: Resend}
}

func (r *Routine) setDefaults() {
	*r = Routine{
		Budget: Budget{OnExhausted: HoldBack},
		Linger: DefaultLinger, BulkFrom: DefaultBulkFrom, ResultTimeout: DefaultRunTimeout, OnUncertain: Hold,
		MaxAge: DefaultMaxAge, EmptyMaxAge: DefaultEmptyMaxAge, OnConflict: Join,
	}
}
