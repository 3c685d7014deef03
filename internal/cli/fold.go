package cli

import "strings"

// foldIndent stands before what goes on from the line above.
const foldIndent = "  "

// fold breaks the lines of a text between words so that none has more columns than width. A word that is longer, such
// as a URL, stays whole.
func fold(text string, width int) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		body := strings.TrimSuffix(line, "\n")
		indent := body[:len(body)-len(strings.TrimLeft(body, " "))]
		at := 0
		for i, word := range strings.Fields(body) {
			switch {
			case i == 0:
				word = indent + word
			case at+1+columns(word) > width && width > columns(indent+foldIndent):
				word = "\n" + indent + foldIndent + word
				at = -1 // the line break has no column
			default:
				word = " " + word
			}
			out.WriteString(word)
			at += columns(word)
		}
		out.WriteString(line[len(body):])
	}
	return out.String()
}
