package config

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	sectionForm = regexp.MustCompile("(?m)^#{2,3} .*?(?:`([a-z_A-Z.\\[\\]]+)`)?$")
	rowForm     = regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| (.*?) \\|")
)

// TestDocumented compares docs/configuration.md with the types: every key is there, no other, and with its default.
func TestDocumented(t *testing.T) {
	var c Config
	c.setDefaults()
	want := map[string]string{}
	keys(reflect.ValueOf(c), "", want)
	got := documented(t)
	for _, key := range names(want) {
		stated, ok := got[key]
		switch {
		case !ok:
			t.Errorf("%s is not documented", key)
		case want[key] != "" && stated != "`"+want[key]+"`":
			t.Errorf("%s: the default is %s, not %s as documented", key, want[key], stated)
		case want[key] == "" && stated == "":
			t.Errorf("%s: what stands for its default is not documented", key)
		}
		delete(got, key)
	}
	if len(got) > 0 {
		t.Errorf("documented, but no key: %v", names(got))
	}
}

// documented reads the key and default columns of the tables under each heading that names a part.
func documented(t *testing.T) map[string]string {
	t.Helper()
	text := manual(t)
	_, text, _ = strings.Cut(text, "\n## The top of the file")
	text, _, _ = strings.Cut("## The top of the file"+text, "\n## Not in this version")
	all := map[string]string{}
	heads := sectionForm.FindAllStringSubmatchIndex(text, -1)
	for i, head := range heads {
		end := len(text)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		path := ""
		if head[2] >= 0 {
			path = text[head[2]:head[3]]
		}
		for _, row := range rowForm.FindAllStringSubmatch(text[head[1]:end], -1) {
			all[join(path, row[1])] = row[2]
		}
	}
	return all
}

func manual(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// keys collects the keys of a part with their defaults, "" where the default is none or depends on others.
func keys(v reflect.Value, path string, into map[string]string) {
	for i := range v.NumField() {
		key := v.Type().Field(i).Tag.Get("yaml")
		if key == "" {
			continue
		}
		key, field := join(path, key), v.Field(i)
		into[key] = written(field)
		switch part := field.Type(); {
		case part == reflect.TypeFor[Defaults](): // those of a workspace
		case part == secretType || part == fieldsType || part == inputsType:
		case part == reflect.TypeFor[Budget]() || part == reflect.TypeFor[Cost]() || part == reflect.TypeFor[Bound](): // described once, wherever it stands
			keys(field, key[strings.LastIndex(key, ".")+1:], into)
		case part == reflect.TypeFor[Allowance]():
			keys(field, "budget.METER", into)
		case part == reflect.TypeFor[map[string]Budget]():
		case part.Kind() == reflect.Struct:
			keys(field, key, into)
		case part.Kind() == reflect.Map:
			keys(fresh(part.Elem()), key+".NAME", into)
		case part.Kind() == reflect.Slice:
			keys(fresh(part.Elem()), key+"[]", into)
		}
	}
}

func fresh(t reflect.Type) reflect.Value {
	v := reflect.New(t)
	setDefaults(v)
	return v.Elem()
}

func written(v reflect.Value) string {
	switch value := v.Interface().(type) {
	case time.Duration:
		return spell(value)
	case bool, int, float64:
		if value == 0.0 { // no limit
			return ""
		}
		return fmt.Sprint(value)
	}
	if v.Kind() == reflect.String {
		return v.String()
	}
	return ""
}

// TestDocumentedOverrides compares the table of overrides with the type.
func TestDocumentedOverrides(t *testing.T) {
	var want []string
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Overrides]()) {
		want = append(want, fmt.Sprintf("| `%s` | `%s` | `%s` |", field.Tag.Get("key"), field.Tag.Get("env"), field.Tag.Get("flag")))
	}
	var got []string
	for line := range strings.Lines(manual(t)) {
		if strings.Contains(line, "` | `CLAYGATE_") {
			got = append(got, strings.TrimSpace(line))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-type +docs):\n%s", diff)
	}
}

// TestDocumentedFiles loads the file that the documentation shows, and makes the mistakes that it shows.
func TestDocumentedFiles(t *testing.T) {
	_, file, _ := strings.Cut(manual(t), "```yaml\n")
	file, _, _ = strings.Cut(file, "```")
	c := mustLoad(t, world{yaml: file}.source())
	if got := c.Targets()[0].Table.DedupeBy; !slices.Equal(got, Fields{"email"}) {
		t.Errorf("dedupe_by is %v", got)
	}
	_, err := Load(world{yaml: strings.Replace(file, "dedupe_by", "dedup_by", 1) + "        max_age: 30\n"}.source())
	for line := range strings.Lines(fmt.Sprint(err)) {
		if !strings.Contains(manual(t), strings.TrimSpace(line)) {
			t.Errorf("not as documented: %s", line)
		}
	}
	for _, key := range later {
		if _, rest, _ := strings.Cut(manual(t), "## Not in this version"); !strings.Contains(rest, "`"+key+"`") {
			t.Errorf("%s is not documented as not supported", key)
		}
	}
}

// TestExampleShowsEveryKey looks for every key in the example, commented out or not.
func TestExampleShowsEveryKey(t *testing.T) {
	all := map[string]string{}
	keys(fresh(reflect.TypeFor[Config]()), "", all)
	for _, path := range names(all) {
		key := path[strings.LastIndex(path, ".")+1:]
		if !regexp.MustCompile(`(?m)(^|[ {#-])` + key + `:`).MatchString(Example()) {
			t.Errorf("%s is not in the example", path)
		}
	}
}

// TestMoneyFile loads the file that docs/money.md shows.
func TestMoneyFile(t *testing.T) {
	text, err := os.ReadFile("../../docs/money.md")
	if err != nil {
		t.Fatal(err)
	}
	_, file, _ := strings.Cut(string(text), "```yaml\n")
	file, _, _ = strings.Cut(file, "```")
	c := mustLoad(t, world{yaml: file}.source())
	want := Budget{Records: Allowance{PerDay: 5000}, DataCredits: Allowance{PerMonth: 20000}, OnExhausted: HoldBack}
	if got := c.Workspaces["main"].Budget; got != want || c.KeyBudgets["key_0123456789"].Records.PerDay != 100 || c.Zone().String() != "Europe/Berlin" {
		t.Errorf("the budget is %+v", got)
	}
}
