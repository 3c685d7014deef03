package config

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
)

// Source says where a configuration is read from. The zero Source is the process's environment, without a file.
type Source struct {
	// Path names the YAML file. "" for none: then CLAY_WEBHOOK_URL, CLAY_WEBHOOK_TOKEN and CLAYGATE_CALLBACK_SECRET
	// make the table main/default, and CLAY_ENTERPRISE_API_KEY, else CLAY_API_KEY, the lookups main/person and
	// main/company.
	Path string
	// Flags override the environment, which overrides the file.
	Flags Overrides
	// Emulate is set when Clay is emulated: no secret is read, so none has to exist, and every [Secret] is empty. What
	// is written about them is checked all the same. Without a file there are the table and both lookups.
	Emulate bool
	// Passes is set where calls of the Public API are to be passed through. Without a file the key for that is
	// CLAY_PUBLIC_API_KEY, else CLAY_API_KEY, no target is needed beside it, and CLAY_API_URL is the Clay of all keys.
	Passes bool

	// Getenv returns a variable of the environment, "" for one that is not set. Default os.Getenv.
	Getenv func(string) string
	// ReadDir names what is in a folder. By default, what is in one on the disk, or nothing where ReadFile is set.
	ReadDir func(string) ([]string, error)
	// ReadFile reads a file. By default, from the disk, at most as much as is refused for its size.
	ReadFile func(string) ([]byte, error)
	// Stat tells a file's permissions, for the warning about secrets that all can read. Default os.Stat, or no such
	// warning where ReadFile is set.
	Stat func(string) (fs.FileInfo, error)
}

// Load reads and checks the configuration. The error is a [Problems] with every mistake; the Config is then zero.
func Load(s Source) (Config, error) {
	d := &decoder{source: s.withDefaults(), file: s.Path, places: map[string]place{}, refused: map[string]bool{}, within: map[string]bool{}}
	var c Config
	c.setDefaults()
	if s.Path == "" {
		d.fromEnvironmentAlone(&c)
	} else {
		d.fromYAML(&c)
	}
	d.override(&c)
	d.workspaces = len(c.Workspaces)
	d.check(&c)
	if len(d.problems) > 0 {
		return Config{}, d.report(d.problems)
	}
	c.warnings = d.report(d.warnings)
	return c, nil
}

// LoadLedger is Load for a command that only needs the ledger: without a file nothing else has to be configured.
func LoadLedger(s Source) (Config, error) {
	if s.Path != "" {
		return Load(s)
	}
	d := &decoder{source: s.withDefaults(), places: map[string]place{}, refused: map[string]bool{}, within: map[string]bool{}}
	var c Config
	c.setDefaults()
	d.override(&c)
	d.checkLedger(&c)
	if len(d.problems) > 0 {
		return Config{}, d.report(d.problems)
	}
	return c, nil
}

func (s Source) withDefaults() Source {
	if s.Getenv == nil {
		s.Getenv = os.Getenv
	}
	if s.ReadDir == nil && s.ReadFile == nil {
		s.ReadDir = readDir
	}
	if s.ReadFile == nil {
		s.ReadFile = readFile
		if s.Stat == nil {
			s.Stat = os.Stat
		}
	}
	return s
}

// readFile reads a file as far as it could be of use.
func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFile+1))
}

func (d *decoder) fromYAML(c *Config) {
	if filepath.Base(filepath.Dir(d.source.Path)) == Folder {
		d.refuse("", "is one workspace of a configuration", "name the configuration, which lies beside the folder "+Folder)
		return
	}
	text, err := d.source.ReadFile(d.source.Path)
	if err != nil {
		d.refuse("", "cannot be read: "+because(err), "`claygate config example` prints one to start from")
		return
	}
	tree, problem := document(d.source.Path, text)
	if problem != nil {
		d.mark("")
		d.problems = append(d.problems, *problem)
		return
	}
	d.defaultsFirst(tree)
	d.decode("", tree, reflect.ValueOf(c).Elem())
	d.folder(c)
}

// fromEnvironmentAlone makes a configuration without a file.
func (d *decoder) fromEnvironmentAlone(c *Config) {
	var w Workspace
	w.setDefaults()
	table := join(join(join("workspaces", DefaultWorkspace), "tables"), "default")
	if url := d.variable(table+".webhooks[0].url", "CLAY_WEBHOOK_URL"); url.IsSet() {
		var t Table
		var hook Webhook
		t.setDefaults()
		hook.setDefaults()
		hook.URL = url
		hook.Token = d.variable(table+".webhooks[0].token", "CLAY_WEBHOOK_TOKEN")
		t.Webhooks = []Webhook{hook}
		t.CallbackSecret = d.variable(table+".callback_secret", "CLAYGATE_CALLBACK_SECRET")
		w.Tables = map[string]Table{"default": t}
	}
	d.keysFromEnvironment(&w)
	if w.EnterpriseAPIKey.IsSet() {
		w.Lookups = map[string]Lookup{}
		for _, kind := range []LookupKind{Person, Company} {
			var l Lookup
			l.setDefaults()
			l.Kind = kind
			w.Lookups[string(kind)] = l
		}
	}
	c.Workspaces = map[string]Workspace{DefaultWorkspace: w}
	if len(w.Tables)+len(w.Lookups) == 0 && !w.PublicAPIKey.IsSet() {
		d.refuse("", "there is nothing to send to: CLAY_WEBHOOK_URL is not set, and no file was named",
			"set it to the URL of a table's webhook source, or name a file with --config; `claygate config example` prints one")
	}
}

// keysFromEnvironment reads the keys of both APIs. CLAY_API_KEY is that of any which has none of its own.
func (d *decoder) keysFromEnvironment(w *Workspace) {
	const shared = "CLAY_API_KEY"
	workspace := join("workspaces", DefaultWorkspace)
	w.EnterpriseAPIKey = d.variable(workspace+".enterprise_api_key", "CLAY_ENTERPRISE_API_KEY", shared)
	if !d.source.Passes {
		return
	}
	if w.PublicAPIKey = d.variable(workspace+".public_api_key", "CLAY_PUBLIC_API_KEY"); !w.PublicAPIKey.IsSet() {
		if w.EnterpriseAPIKey.reference == "env:"+shared { // it was read, and checked, once
			w.PublicAPIKey = w.EnterpriseAPIKey
		} else {
			w.PublicAPIKey = d.variable(workspace+".public_api_key", shared)
		}
	}
	if base := d.source.Getenv; !d.source.Emulate && base("CLAY_API_URL") != "" {
		w.BaseURL = base("CLAY_API_URL")
		d.places[workspace+".base_url"] = place{origin: "CLAY_API_URL"}
	}
}

// variable reads the first of some variables that is set. None of them has to be.
func (d *decoder) variable(path string, variables ...string) Secret {
	for _, name := range variables {
		if d.source.Emulate {
			return Secret{reference: "env:" + name}
		}
		if d.source.Getenv(name) != "" {
			d.places[path] = place{origin: name}
			return d.fromEnvironment(path, name)
		}
	}
	return Secret{}
}
