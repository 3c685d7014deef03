// Package expression evaluates conditions that people write in the configuration, such as `status == "finished"`, on
// the fields of a JSON object. The language is that of github.com/expr-lang/expr, cut down to what needs a bounded time
// and memory and gives the same answer whenever it is asked: no clock, nothing that makes texts longer than they came,
// and a budget for loops.
package expression

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"
)

// MaxLength is the longest expression, in bytes.
const MaxLength = 4096

const (
	maxNodes = 500     // parts of an expression; a condition has five
	maxCells = 100_000 // values that an evaluation may put into lists of its own
)

// functions are those that an expression may call. What is missing here reads the clock or makes texts grow.
var functions = []string{
	"all", "none", "any", "one", "filter", "map", "find", "findIndex", "findLast", "findLastIndex", "count", "sum",
	"len", "type", "abs", "ceil", "floor", "round", "int", "float", "string", "trim", "trimPrefix", "trimSuffix",
	"upper", "lower", "split", "indexOf", "lastIndexOf", "hasPrefix", "hasSuffix", "max", "min", "mean", "median",
	"first", "last", "get", "take", "keys", "values",
}

// Condition is a compiled expression that is true or false of an object's fields. It may be used concurrently. A nil
// Condition is the empty expression, which always holds.
type Condition struct{ *compiled }

// Compile reads an expression; "" gives nil. The error says on one line what is wrong and where.
func Compile(text string) (*Condition, error) {
	if text == "" {
		return nil, nil
	}
	c, err := read(text, &bounds{}, expr.AsBool())
	if err != nil {
		return nil, err
	}
	return &Condition{c}, nil
}

// compiled is an expression that is ready to be evaluated.
type compiled struct {
	program *vm.Program
	cost    cost
}

// read compiles an expression within bounds.
func read(text string, b *bounds, more ...expr.Option) (*compiled, error) {
	if len(text) > MaxLength {
		return nil, fmt.Errorf("is longer than %d bytes", MaxLength)
	}
	options := append([]expr.Option{
		expr.Env(map[string]any{}), expr.AllowUndefinedVariables(), expr.MaxNodes(maxNodes), expr.Patch(b),
		expr.Function(plusName, plus), expr.DisableAllBuiltins(),
	}, more...)
	for _, name := range functions {
		options = append(options, expr.EnableBuiltin(name))
	}
	program, err := compile(text, options)
	if unknown, ok := errors.AsType[*file.Error](b.err); ok {
		err = unknown.Bind(file.NewSource(text)) // whatever else is wrong follows from it
	}
	if err != nil {
		return nil, mistake(err)
	}
	return &compiled{program: program, cost: costOf(program.Node())}, nil
}

// run evaluates an expression on an object's fields.
func (c *compiled) run(fields json.RawMessage) (any, error) {
	env, err := object(fields)
	if err != nil {
		return nil, err
	}
	b := &budget{left: maxWork - c.cost.scans*len(fields), size: len(fields)}
	if b.left < 0 {
		return nil, errWork
	}
	env[budgetName], env[textName] = b.spend, b.text
	machine := vm.VM{MemoryBudget: maxCells}
	got, err := machine.Run(c.program, env)
	if err != nil {
		return nil, mistake(err)
	}
	return got, nil
}

// compile guards against a parser that panics: it is foreign code that reads what people wrote.
func compile(text string, options []expr.Option) (p *vm.Program, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = errors.New("is not understood")
		}
	}()
	return expr.Compile(text, options...)
}

// Holds evaluates the condition on a JSON object. A field that is missing is nil, and so is every field of one that is
// missing. The error says why there is no answer: the fields are no object, a comparison makes no sense (of a text with
// a number, for instance), what came out is neither true nor false, or it took too much.
func (c *Condition) Holds(fields json.RawMessage) (bool, error) {
	if c == nil {
		return true, nil
	}
	got, err := c.run(fields)
	if err != nil {
		return false, err
	}
	holds, ok := got.(bool)
	if !ok {
		return false, fmt.Errorf("the expression came to %s, which is neither true nor false", kind(got))
	}
	return holds, nil
}

// mistake says an error of the library on one line, without its picture of the place.
func mistake(err error) error {
	if what, ok := strings.CutPrefix(err.Error(), "expected bool, but got "); ok {
		return fmt.Errorf("comes to %s, and it must come to true or false", what)
	}
	at, ok := errors.AsType[*file.Error](err)
	if !ok {
		return err
	}
	message := strings.TrimSpace(strings.ReplaceAll(at.Message, "\n", " "))
	if strings.HasPrefix(message, "invalid operation: bool(") { // the cast at its end
		message = "it comes to something else than true or false"
	}
	if at.Line > 1 {
		return fmt.Errorf("%s (at its line %d, column %d)", message, at.Line, at.Column+1)
	}
	return fmt.Errorf("%s (at its column %d)", message, at.Column+1)
}
