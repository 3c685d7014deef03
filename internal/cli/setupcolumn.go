package cli

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// column is what a table's HTTP API column has to be like (docs/clay.md, "The HTTP API column").
type column struct {
	URL     string   `json:"url"`
	Field   string   `json:"id_field"`
	Secret  string   `json:"secret,omitempty"` // where the secret header's value is; "" for none
	Inputs  []string `json:"inputs"`
	Results []string `json:"results"`
}

// Settings of the column that its defaults are not right for: what is retried by default leaves out most of what passes.
const (
	columnRetries  = 5
	columnStatuses = "408,413,429,500-504"
)

// chips lists what the column's body sends back: the ticket first. Each is a place where a chip goes.
func (c column) chips() []string { return append([]string{c.Field}, c.Results...) }

// body is the column's body, with numbered places for its chips.
func (c column) body() string {
	var b strings.Builder
	b.WriteString("{")
	for i, name := range c.chips() {
		key, _ := json.Marshal(name) // a text always encodes
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, `%s: "<%d>"`, key, i+1)
	}
	return b.String() + "}"
}

// steps tells people what to do in Clay, in the order in which it can be done there.
func (c column) steps() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("1. In Clay, open the cell of the webhook in the row that has just arrived, and choose \"Add as column\" for each of:")
	line("     %s", strings.Join(append(slices.Clone(c.Inputs), c.Field), ", "))
	line("   Add them as new columns: one that is put onto a column of yours overwrites its values.")
	line("2. Add the enrichments that you want.")
	line("3. As the last column add \"HTTP API\", and fill in:")
	line("     Method            POST")
	line("     Endpoint          %s", c.URL)
	if c.Secret != "" {
		line("     Headers           X-Claygate-Secret: the value of %s, which is not shown here", c.Secret)
	}
	line("     Body              %s", c.body())
	line("   Put a chip in the place of each number: delete the number, type / and choose the column from the list.")
	for i, name := range c.chips() {
		what := "the column whose value is to come back as " + name
		if i == 0 {
			what = "the webhook's column " + name
		}
		line("     <%d>  %s", i+1, what)
	}
	line("   A reference that is typed as text, such as \"/%s\", is sent as it stands. The quotes stay around the chips.", c.Field)
	line("     Inputs            every \"required\" off: a row with an empty required one is skipped and never calls back")
	line("     Retry on failure  on, %d times, for %s", columnRetries, columnStatuses)
	line("     Only run if       empty, or what holds of each row in the end; rows of which it does not hold never call back")
	line("     Response timeout  30000 ms")
	line("4. Turn auto-run on for the table, save the column, and run it for this row.")
	return b.String()
}

// silent tells what to look at when the column does not call. Clay shows none of these as an error of this row's.
func (c column) silent() string {
	return "nothing has called yet. Look at the row's cell in the HTTP API column: \"Some inputs missing\" means that an input is set to required; " +
		"\"Run condition not met\" that the run condition is wrong; an empty cell that auto-run is off or the column was not run; " +
		"\"Settings contains deleted column\" that a chip's column is gone; any other error says why the call failed, and `claygate doctor` whether " + c.URL + " can be reached"
}

// typed is a reference or a template that was typed as text.
var typed = regexp.MustCompile(`^(/[A-Za-z][^/]*|\{\{.*\}\})$`)

// wrongFields says what is wrong with the fields of a result, in their order.
func wrongFields(result json.RawMessage) (problems []string) {
	var fields map[string]any
	if json.Unmarshal(result, &fields) != nil {
		return nil
	}
	for name, value := range fields {
		text, _ := value.(string)
		switch {
		case typed.MatchString(strings.TrimSpace(text)):
			problems = append(problems, "the field "+name+" holds a reference that was typed as text: delete it, type / and choose the column from the list")
		case strings.Contains(text, "[object Object]"):
			problems = append(problems, "the field "+name+" arrived as [object Object]: choose a column that holds a text, not a part of a formula")
		}
	}
	slices.Sort(problems)
	return problems
}

// fieldNames lists the names of a result's fields, those without a value marked.
func fieldNames(result json.RawMessage) string {
	var fields map[string]any
	_ = json.Unmarshal(result, &fields)
	var names []string
	for name, value := range fields {
		if value == nil || value == "" {
			name += " (empty)"
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
