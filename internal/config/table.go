package config

import "time"

// Table is a table in Clay: records go in by its webhooks, results come back from its HTTP API column.
type Table struct {
	// Webhooks are the table's webhook sources, used up in their order. At least one. In Clay each should feed a table
	// of its own, because tables hold 50,000 rows too.
	Webhooks []Webhook `yaml:"webhooks"`
	// AwaitsResult says whether the table calls back. Default true. False ends a record when Clay has taken it.
	AwaitsResult bool `yaml:"awaits_result"`
	// DedupeBy names the fields that make two records the same work. Default none: every record is sent, and paid.
	DedupeBy Fields `yaml:"dedupe_by"`
	// MaxAge is how old a result may be to answer another record with the same key. Default 30 days, or as long as
	// bodies are kept if that is shorter; 0 never answers from the cache. Longer costs less, shorter is fresher.
	MaxAge time.Duration `yaml:"max_age"`
	// EmptyMaxAge is MaxAge for empty results, which Clay may fill next time. Default one day, or MaxAge if that is
	// shorter; 0 never answers from an empty result.
	EmptyMaxAge time.Duration `yaml:"empty_max_age"`
	// Version is part of every dedupe key: another one makes all cached results stale. Default none. Raise it when the
	// table's columns have changed.
	Version string `yaml:"version"`
	// OnConflict says what becomes of a record whose key is in flight with other input. Default join.
	OnConflict Conflict `yaml:"on_conflict"`
	// Priority of records that name none, 0 to 9; higher leaves first. Default 0.
	Priority int `yaml:"priority"`
	// ResultTimeout bounds the wait for a result after the last send. Default 30 minutes. Shorter reports a row that
	// never calls back sooner; a result that comes later is still taken.
	ResultTimeout time.Duration `yaml:"result_timeout"`
	// OnUncertain says what becomes of a record whose request may have arrived. Default wait where a result is
	// awaited, else resend, which may make a second row.
	OnUncertain Uncertain `yaml:"on_uncertain"`
	// OnUpdate says what a further result does to a record that is done. Default fill.
	OnUpdate Update `yaml:"on_update"`
	// CompleteWhen is an expression over the callback's fields that must hold before a record is done; until then
	// callbacks are merged. Default "": the first callback completes.
	CompleteWhen string `yaml:"complete_when"`
	// IDField is the payload's extra field that carries the ticket to Clay and back. Default claygate_id.
	IDField string `yaml:"id_field"`
	// CallbackSecret, when set, must come with every callback in the header X-Claygate-Secret, beside the ticket.
	CallbackSecret Secret `yaml:"callback_secret"`
	// Destinations names where the ends of its records are forwarded. Default none.
	Destinations Fields `yaml:"destinations"`
	// RefusePersonal names fields with an e-mail address or a domain: a record is refused where one of them is of a personal
	// domain, such as gmail.com, which is paid for and seldom found. Default none.
	RefusePersonal Fields `yaml:"refuse_personal"`
	// Cost is what a record costs on average, Budget bounds what is spent on this target alone. Default none.
	Cost   Cost   `yaml:"cost"`
	Budget Budget `yaml:"budget"`
	// ConfirmAbove is from which cost on a load from the command line asks first. Default: none.
	ConfirmAbove Bound `yaml:"confirm_above"`
}

// Webhook is one webhook source of a table.
type Webhook struct {
	// URL is the address that Clay shows. Whoever knows it can add rows, so it is a secret. Needed.
	URL Secret `yaml:"url"`
	// Token is sent as x-clay-webhook-auth. Default none, for webhooks without one.
	Token Secret `yaml:"token"`
	// Limit is how many submissions the webhook takes in its life. Default 50,000, which is Clay's (docs/clay.md);
	// 0 means none, for tables that delete rows by themselves.
	Limit int `yaml:"limit"`
	// Start is how many submissions the webhook had taken before claygate came to know it. Default 0. Claygate counts
	// its own; it cannot see those of others.
	Start int `yaml:"start"`
}

// Lookup is an Enterprise endpoint that answers at once.
type Lookup struct {
	// Kind says which: person, found by an e-mail, or company, found by its domain. Needed.
	Kind LookupKind `yaml:"kind"`
	// DedupeBy, MaxAge, EmptyMaxAge, Version, OnConflict and Priority are as in [Table].
	DedupeBy    Fields        `yaml:"dedupe_by"`
	MaxAge      time.Duration `yaml:"max_age"`
	EmptyMaxAge time.Duration `yaml:"empty_max_age"`
	Version     string        `yaml:"version"`
	OnConflict  Conflict      `yaml:"on_conflict"`
	Priority    int           `yaml:"priority"`
	// OnUncertain says what becomes of a record whose request may have been answered: resend (default) or hold.
	OnUncertain Uncertain `yaml:"on_uncertain"`
	// Destinations names where the ends of its records are forwarded. Default none.
	Destinations Fields `yaml:"destinations"`
	// RefusePersonal is as in [Table].
	RefusePersonal Fields `yaml:"refuse_personal"`
	// Cost is what a record costs on average, Budget bounds what is spent on this target alone. Default none.
	Cost   Cost   `yaml:"cost"`
	Budget Budget `yaml:"budget"`
	// ConfirmAbove is from which cost on a load from the command line asks first. Default: none.
	ConfirmAbove Bound `yaml:"confirm_above"`
}

// Fields are names of a record's fields. In YAML one name, or a list.
type Fields []string
