package config

import (
	"fmt"
	"slices"
	"strings"
)

// ownColumns are those that claygate writes to a table beside the configured ones, so that no older result takes the place
// of a newer one.
var ownColumns = []string{"claygate_record", "claygate_revision"}

func (d *decoder) checkPostgres(path string, to *Destination, c *Config) {
	at, p := path+".postgres", to.Postgres
	if !d.given(path + ".concurrency") {
		to.Concurrency = DefaultConnections
	}
	d.checkNeeded(at+".dsn", p.DSN, "write dsn: env:NAME")
	d.checkDSN(at+".dsn", p.DSN, c)
	d.checkTableName(at+".table", p.Table)
	if len(p.Columns) == 0 && d.sound(at+".columns") {
		d.refuse(at+".columns", "is missing", "write columns: {email: fields.email, title: result.title}")
	}
	if len(p.Columns) > maxColumns {
		d.refuse(at+".columns", "has more than 200 columns", "keep what is rarely asked for in one of type json")
	}
	for _, name := range names(p.Columns) {
		switch {
		case !identifier(name):
			d.refuse(at+".columns", "has a name that no column can have", "a name has 1 to 63 bytes and no control character")
		case slices.Contains(ownColumns, name):
			d.refuse(at+".columns", name+" is written by claygate itself", "leave it out")
		default:
			d.checkValue(join(at+".columns", name), p.Columns[name])
		}
	}
	for i, name := range p.Key {
		d.checkColumn(fmt.Sprintf("%s.key[%d]", at, i), name, p)
	}
	d.checkTypes(at, p)
	d.checkRange(at+".batch", p.Batch, limits{least: 1, most: 1000})
}

// maxColumns bounds the columns of a statement, which has a list of values for each.
const maxColumns = 200

// columnTypes are what types takes.
var columnTypes = []string{"text", "number", "bool", "json"}

func (d *decoder) checkTypes(at string, p PostgresDestination) {
	for _, name := range names(p.Types) {
		path := at + ".types" // without the name, which may be a secret in the wrong place
		switch kind := p.Types[name]; {
		case !d.sound(join(path, name)):
		case !slices.Contains(columnTypes, kind):
			d.refuse(path, shown(kind)+" is not one of its values", "it takes "+strings.Join(columnTypes, ", "))
		case kind == "json" && slices.Contains(p.Key, name):
			d.refuse(path, shown(name)+" is a column of the key, which cannot be json", "")
		default:
			d.checkColumn(path, name, p)
		}
	}
}

// checkColumn checks that a column is among those that are written.
func (d *decoder) checkColumn(path, name string, p PostgresDestination) {
	if has(p.Columns, name) {
		return
	}
	hint := "name it under columns, with the expression of what stands there"
	if near := nearest(name, names(p.Columns)); near != "" {
		hint = "did you mean " + near + "?"
	}
	d.refuse(path, "nothing is written to a column "+shown(name), hint)
}

func (d *decoder) checkTableName(path, name string) {
	if !d.sound(path) {
		return
	}
	parts := strings.Split(name, ".")
	switch {
	case name == "" && !d.refused[parent(path)]:
		d.refuse(path, "is missing", "write table: people, or table: sales.people")
	case name != "" && (len(parts) > 2 || !identifier(parts[0]) || !identifier(parts[len(parts)-1])):
		d.refuse(path, shown(name)+" is not the name of a table", "write it like people or sales.people")
	}
}

// identifier reports whether a text can be a name in PostgreSQL, which cuts longer ones off in silence.
func identifier(text string) bool {
	return text != "" && len(text) <= 63 && !strings.ContainsFunc(text, control)
}
