package config

import "time"

// Routine is a function or a workflow of Clay's Public API: records go in by runs, and their results are asked for.
type Routine struct {
	// Routine is its id, as Clay shows it: function:t_… or workflow:…. Needed.
	Routine string `yaml:"routine"`
	// Inputs names, for each of the routine's inputs, the record's field that it gets. Default none: the record's
	// fields are the inputs.
	Inputs Inputs `yaml:"inputs"`
	// Linger is how long a record may wait for others to share its run. Default 200 ms; 0 not at all. Longer makes
	// fewer calls, shorter answers sooner.
	Linger time.Duration `yaml:"linger"`
	// BulkFrom is how many records must wait for one bulk run to take them. Default 1,000; 0 never.
	BulkFrom int `yaml:"bulk_from"`
	// FailedWhen is an expression over the result of a complete item: where it holds, the record failed all the same.
	// It is kept as text here. Default "": complete is complete.
	FailedWhen string `yaml:"failed_when"`
	// ResultTimeout bounds the wait for a result after the run's start. Default one day, after which Clay forgets it.
	ResultTimeout time.Duration `yaml:"result_timeout"`
	// OnUncertain says what becomes of records whose run may have started. Default hold: a second start costs again,
	// and nothing would tell.
	OnUncertain Uncertain `yaml:"on_uncertain"`
	// DedupeBy, MaxAge, EmptyMaxAge, Version, OnConflict and Priority are as in [Table].
	DedupeBy    Fields        `yaml:"dedupe_by"`
	MaxAge      time.Duration `yaml:"max_age"`
	EmptyMaxAge time.Duration `yaml:"empty_max_age"`
	Version     string        `yaml:"version"`
	OnConflict  Conflict      `yaml:"on_conflict"`
	Priority    int           `yaml:"priority"`
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

// Inputs are names of the record's fields, by the names of a routine's inputs as Clay shows them.
type Inputs map[string]string

// CompletionWebhook is a completion webhook, as Clay's command line registers it for this gateway's URL.
type CompletionWebhook struct {
	// ID is what Clay calls it, wh_…: every run names it.
	ID string `yaml:"id"`
	// Secret signs what it sends, whsec_…; Clay shows it once.
	Secret Secret `yaml:"secret"`
}

// APIPace is how fast the Public API of a workspace is used. Clay publishes no limit: claygate halves its pace when Clay
// throttles it, and comes back within a minute.
type APIPace struct {
	// PerSecond is the sustained number of calls a second. Default 5.
	PerSecond float64 `yaml:"per_second"`
	// Burst is how many calls may leave at once after a rest. Default 5.
	Burst int `yaml:"burst"`
}
