package expression

import (
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
)

// The names of what the bounds put into an expression. Nobody can write them.
const (
	budgetName = "\x00budget"
	plusName   = "\x00plus"
	textName   = "\x00text"
)

// bounds changes an expression so that it cannot take long: each turn of a loop pays for what it may look at, and +
// joins no texts. It also makes the fields of what is missing nil rather than an error, because a result that has not
// come yet is the usual case.
type bounds struct {
	err   error
	texts bool // text(…) makes texts
}

// Visit implements ast.Visitor. Children are visited before their parents.
func (b *bounds) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode: // where it is called it is no identifier, so this is a field with the name of a function
		if slices.Contains(functions, n.Value) {
			b.replace(node, &ast.MemberNode{Node: &ast.IdentifierNode{Value: "$env"}, Property: &ast.StringNode{Value: n.Value}})
		}
	case *ast.MemberNode:
		n.Optional = true
		b.replace(node, &ast.ChainNode{Node: n})
	case *ast.CallNode:
		if callee, ok := n.Callee.(*ast.IdentifierNode); ok && b.texts && callee.Value == "text" {
			n.Callee = &ast.IdentifierNode{Value: textName}
			break
		}
		b.unknown(n, called(n.Callee))
	case *ast.BuiltinNode:
		if !slices.Contains(functions, n.Name) {
			b.unknown(n, n.Name)
		}
		if slices.Contains(choosing, n.Name) && len(n.Arguments) == 2 {
			falsify(n.Arguments[1])
		}
	case *ast.PredicateNode:
		turn := costOf(n.Node)
		pay := &ast.CallNode{
			Callee:    &ast.IdentifierNode{Value: budgetName},
			Arguments: []ast.Node{&ast.IntegerNode{Value: turn.parts}, &ast.IntegerNode{Value: turn.scans}},
		}
		n.Node = &ast.ConditionalNode{Cond: pay, Exp1: n.Node, Exp2: &ast.NilNode{}}
	case *ast.BinaryNode:
		if n.Operator == "+" {
			b.replace(node, &ast.CallNode{Callee: &ast.IdentifierNode{Value: plusName}, Arguments: []ast.Node{n.Left, n.Right}})
		}
	}
}

// unknown refuses a function that there is not, the first of them.
func (b *bounds) unknown(call ast.Node, name string) {
	if b.err == nil {
		b.err = &file.Error{
			Location: call.Location(),
			Message:  fmt.Sprintf("there is no function %.40s", strings.Trim(name, `"`)),
		}
	}
}

// called names what a call calls, as well as it has a name.
func called(callee ast.Node) string {
	if chain, ok := callee.(*ast.ChainNode); ok {
		callee = chain.Node
	}
	switch n := callee.(type) {
	case *ast.IdentifierNode:
		return n.Value
	case *ast.MemberNode:
		return n.Property.String()
	}
	return callee.String()
}

func (b *bounds) replace(node *ast.Node, by ast.Node) {
	by.SetLocation((*node).Location())
	by.SetType((*node).Type())
	*node = by
}

// choosing are the functions whose predicate is true or false.
var choosing = []string{"all", "none", "any", "one", "filter", "find", "findIndex", "findLast", "findLastIndex", "count"}

// falsify takes a predicate that comes to nil, because the field is missing, for false.
func falsify(argument ast.Node) {
	if p, ok := argument.(*ast.PredicateNode); ok {
		p.Node = &ast.BinaryNode{Operator: "??", Left: p.Node, Right: &ast.BoolNode{Value: false}}
	}
}

// plus adds numbers. Texts are not joined: they could double and double again.
func plus(terms ...any) (any, error) {
	sum := 0.0
	for _, term := range terms {
		switch n := term.(type) {
		case int:
			sum += float64(n)
		case float64:
			sum += n
		default:
			return nil, fmt.Errorf("+ adds numbers, and one side is %s", kind(term))
		}
	}
	return sum, nil
}
