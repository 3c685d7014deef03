package config

import (
	"reflect"
	"strings"

	"github.com/caarlos0/env/v11"
)

// Overrides are values that stand above the file's: those of flags, or of the environment. "" leaves the file's.
type Overrides struct {
	Listen         string `env:"CLAYGATE_LISTEN" flag:"--listen" key:"listen"`
	CallbackListen string `env:"CLAYGATE_CALLBACK_LISTEN" flag:"--callback-listen" key:"callback_listen"`
	PublicURL      string `env:"CLAYGATE_PUBLIC_URL" flag:"--public-url" key:"public_url"`
	Ledger         string `env:"CLAYGATE_LEDGER" flag:"--ledger" key:"ledger"`
	LogLevel       string `env:"CLAYGATE_LOG_LEVEL" flag:"--log-level" key:"log.level"`
	LogFormat      string `env:"CLAYGATE_LOG_FORMAT" flag:"--log-format" key:"log.format"`
}

// override puts the environment's values above the file's, and the flags' above those.
func (d *decoder) override(c *Config) {
	environment, err := fromVariables(d.source.Getenv)
	if err != nil { // it has texts only, so this is a mistake in the type above
		d.refuse("", "the environment cannot be read", "")
	}
	d.apply(c, environment, "env")
	d.apply(c, d.source.Flags, "flag")
}

func fromVariables(getenv func(string) string) (o Overrides, err error) {
	fields, err := env.GetFieldParams(&o)
	if err != nil {
		return o, err
	}
	values := map[string]string{}
	for _, field := range fields {
		values[field.Key] = getenv(field.Key)
	}
	err = env.ParseWithOptions(&o, env.Options{Environment: values})
	return o, err
}

// apply sets what is overridden, as coming from the variable or flag that the tag names.
func (d *decoder) apply(c *Config, o Overrides, tag string) {
	from := reflect.ValueOf(o)
	for i := range from.NumField() {
		value := from.Field(i).String()
		if value == "" {
			continue
		}
		path := from.Type().Field(i).Tag.Get("key")
		d.places[path] = place{origin: from.Type().Field(i).Tag.Get(tag)}
		delete(d.refused, path)
		d.text(path, value, at(reflect.ValueOf(c).Elem(), path))
	}
}

// at returns the field at a path of keys.
func at(v reflect.Value, path string) reflect.Value {
	for key := range strings.SplitSeq(path, ".") {
		v = v.Field(keysOf(v.Type())[key])
	}
	return v
}
