package config

import "github.com/claygate/claygate/internal/expression"

// checkExpression compiles an expression only to say what is wrong with it. It stays text here: whoever uses it
// compiles it with [expression.Compile], which cannot fail then.
func (d *decoder) checkExpression(path, text string) {
	if !d.sound(path) {
		return
	}
	if _, err := expression.Compile(text); err != nil {
		d.refuse(path, err.Error(), `write it like status == "finished"; the manual's "Expressions" says what there is`)
	}
}
