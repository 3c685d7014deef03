// Package config reads the configuration of `claygate serve`: one YAML file, overridden by the environment and then by
// flags. Reading is strict and total: every mistake is found in one go and said in one line, with the file, the line,
// what is wrong and what to write instead; with any mistake there is no configuration at all. Secrets stand in the
// environment or in files of their own, never in the YAML, and are never printed.
//
// docs/configuration.md describes every key; a test keeps it in step with the types here.
package config

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"
)

// DefaultWorkspace is the workspace that exists without a file, and to which a target's bare name leads when there are
// several.
const DefaultWorkspace = "main"

// Config is a whole configuration. [Load] returns it with every default filled in, so a zero value in it is a choice.
type Config struct {
	// Listen is where the API, the page and the metrics are served, as host:port. Default 127.0.0.1:8787. Without API
	// keys it serves this machine only; beyond it put a proxy with TLS in front.
	Listen string `yaml:"listen"`
	// CallbackListen is where callbacks are taken, and nothing else but /healthz: the one address to expose. Default
	// 127.0.0.1:8788.
	CallbackListen string `yaml:"callback_listen"`
	// PublicURL is the URL under which Clay reaches CallbackListen, without a slash at its end. Default none: then the
	// callback URLs that claygate shows are for this machine only.
	PublicURL string `yaml:"public_url"`
	// Ledger is the path of the ledger's file, or a PostgreSQL database: postgres://…, or env:NAME or file:PATH. Default "": one in the user's state folder. A relative path in the
	// file is seen from the file's folder, one from a flag or the environment from the working folder.
	Ledger string `yaml:"ledger"`
	// Database is how the ledger is reached that is in PostgreSQL: Ledger is what may be shown of it then. Unset: it is in a
	// file.
	Database Secret
	// AllowInsecure permits http:// toward hosts other than this machine, for a private network. Default false: URLs
	// and tokens would cross the network readable by all.
	AllowInsecure bool `yaml:"allow_insecure"`
	// Retention says how long finished records are kept.
	Retention Retention `yaml:"retention"`
	// TimeZone is the one in which the days and months of budgets and of the usage are counted, such as Europe/Berlin.
	// Default UTC.
	TimeZone string `yaml:"time_zone"`
	// KeyBudgets bound what API keys spend, by the keys' IDs (key_…). Default none.
	KeyBudgets map[string]Budget `yaml:"key_budgets"`
	// PersonalDomains are further domains that count as personal, beside the known ones: see [Table.RefusePersonal].
	PersonalDomains Fields `yaml:"personal_domains"`
	// Log says what is logged, and how.
	Log Log `yaml:"log"`
	// Workspaces are the Clay workspaces, by name. Nothing is shared between two of them.
	// Each file of the folder workspaces.d beside the file is one more, under the file's name.
	Workspaces map[string]Workspace `yaml:"workspaces"`
	// Defaults hold for every workspace that does not say otherwise. They are part of Workspaces already.
	Defaults Defaults `yaml:"defaults"`
	// Destinations are where the ends of records are forwarded, by name. Targets name theirs.
	Destinations map[string]Destination `yaml:"destinations"`
	// CallbackURLs says how the URLs are called that records bring with them.
	CallbackURLs CallbackURLs `yaml:"callback_urls"`
	// Alerts says where it is told what is wrong.
	Alerts Alerts `yaml:"alerts"`

	warnings Problems
}

// Retention says how long finished records are kept, counted from when they finished.
type Retention struct {
	// Bodies bounds how long fields, results and callbacks are kept. Default 30 days. Longer answers more from the
	// cache; shorter keeps less personal data.
	Bodies time.Duration `yaml:"bodies"`
	// Metadata bounds how long the record itself is kept: its state, times, attempts and metadata. Default 90 days,
	// or as long as Bodies if that is longer. At least Bodies.
	Metadata time.Duration `yaml:"metadata"`
	// Audit bounds how long it is kept who did what to the gateway. Default 1 year.
	Audit time.Duration `yaml:"audit"`
}

// Log says what is logged to standard error, and how.
type Log struct {
	// Level is the least level that is logged. Default info.
	Level LogLevel `yaml:"level"`
	// Format is how: text, json, or auto, which is text on a terminal and json elsewhere. Default auto.
	Format LogFormat `yaml:"format"`
}

// Workspace is a Clay workspace: its key, its pace, its targets.
type Workspace struct {
	// EnterpriseAPIKey is the key of Clay's Enterprise API. Only lookups need it.
	EnterpriseAPIKey Secret `yaml:"enterprise_api_key"`
	// PublicAPIKey is the key of Clay's Public API. Routines need it, and calls that are passed through.
	PublicAPIKey Secret `yaml:"public_api_key"`
	// CompletionWebhook is where Clay tells of the ends of runs. Default none: then runs are asked for only.
	CompletionWebhook CompletionWebhook `yaml:"completion_webhook"`
	// BaseURL is the Clay that the lookups and routines ask, without a slash at its end. Default https://api.clay.com.
	BaseURL string `yaml:"base_url"`
	// Pace bounds what is sent, for the webhooks and for the lookups each.
	Pace Pace `yaml:"pace"`
	// APIPace bounds all calls of the Public API: starts, questions, pages of results.
	APIPace APIPace `yaml:"api_pace"`
	// Budget bounds what is spent on all of its targets, and by calls of its Public API that are passed through. Default
	// none.
	Budget Budget `yaml:"budget"`
	// DropIn names the targets that answer clients of Clay's Enterprise endpoints.
	DropIn DropIn `yaml:"drop_in"`
	// Tables are tables with webhook sources, by name.
	Tables map[string]Table `yaml:"tables"`
	// Routines are functions and workflows of the Public API, by name.
	Routines map[string]Routine `yaml:"routines"`
	// Lookups are Enterprise endpoints, by name. A name belongs to one table, routine or lookup of a workspace.
	Lookups map[string]Lookup `yaml:"lookups"`
}

// Defaults is what all workspaces have in common.
type Defaults Workspace

// Pace is how fast one surface of a workspace is used.
type Pace struct {
	// PerSecond is the sustained number of requests a second. Default 10, which is Clay's limit for a workspace's
	// webhooks (docs/clay.md): what comes faster is dropped there and sent again here.
	PerSecond float64 `yaml:"per_second"`
	// Burst is how many requests may leave at once after a rest. Default 10: Clay allows 20, and the network's jitter
	// eats the rest.
	Burst int `yaml:"burst"`
}

// Warnings lists what works but is probably not meant. None of them holds a secret.
func (c Config) Warnings() Problems { return slices.Clone(c.warnings) }

// String describes the configuration on one line, without its secrets.
func (c Config) String() string {
	var targets []string
	for _, t := range c.Targets() {
		targets = append(targets, t.Address()+" ("+string(t.Kind)+")")
	}
	return fmt.Sprintf("config.Config{listen: %s, callback_listen: %s, public_url: %s, ledger: %s, targets: [%s]}",
		c.Listen, c.CallbackListen, c.PublicURL, c.Ledger, strings.Join(targets, ", "))
}

// GoString is String, for %#v.
func (c Config) GoString() string { return c.String() }

// LogValue describes the configuration to log/slog, without its secrets.
func (c Config) LogValue() slog.Value {
	var targets []string
	for _, t := range c.Targets() {
		targets = append(targets, t.Address())
	}
	return slog.GroupValue(
		slog.String("listen", c.Listen), slog.String("callback_listen", c.CallbackListen),
		slog.String("public_url", c.PublicURL), slog.String("ledger", c.Ledger), slog.Any("targets", targets),
	)
}

// names returns the keys of a map in order.
func names[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }
