package expression

import (
	"errors"

	"github.com/expr-lang/expr/ast"
)

const (
	maxWork  = 100 << 20 // bytes that an evaluation may look at
	partWork = 64        // what a part counts for that looks at one value only
)

// cost is what one evaluation of an expression, or of a loop's turn, takes at most.
type cost struct {
	parts int // all of them
	scans int // those that may look at all of the fields
}

// costOf counts. Loops within count once here, and each of their turns pays for itself.
func costOf(n ast.Node) cost {
	var c cost
	ast.Walk(&n, &c)
	return c
}

// Visit implements ast.Visitor.
func (c *cost) Visit(node *ast.Node) {
	c.parts++
	switch n := (*node).(type) {
	case *ast.BuiltinNode:
		c.scans++
	case *ast.BinaryNode:
		if !literal(n.Left) && !literal(n.Right) || n.Operator == "in" || n.Operator == "contains" || n.Operator == "matches" {
			c.scans++
		}
	}
}

func literal(n ast.Node) bool {
	switch n.(type) {
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NilNode:
		return true
	}
	return false
}

// budget is what one evaluation may still look at.
type budget struct {
	left int
	size int // of the fields, in bytes
}

var errWork = errors.New("the expression takes too long on so many fields")

// spend pays for one turn of a loop.
func (b *budget) spend(parts, scans int) bool {
	b.left -= parts*partWork + scans*b.size
	if b.left < 0 {
		panic(errWork)
	}
	return true
}
