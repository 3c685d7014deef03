package ledger

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
)

// Table is a table of a ledger as it is moved from one store to another: as rows, whatever they mean.
type Table struct {
	Name    string
	Columns []string
	Key     []string // columns that tell its rows apart, in whose order they are moved
}

// Checksum is one of the rows of a table, in whatever order they come. Two that are equal were made of the same rows.
type Checksum struct {
	Rows int
	sum  [4]uint64
}

// Add adds a row. Its values are nil, int64, bool, float64, string, []byte or [16]byte; what a store keeps as a number and
// another as true or false is the same, and so are sixteen bytes and a UUID.
func (c *Checksum) Add(row []any) error {
	h := sha256.New()
	for _, value := range row {
		text, kind := []byte(nil), byte('b')
		switch v := value.(type) {
		case nil:
			kind = 'n'
		case bool:
			kind, text = 'i', []byte{'0'}
			if v {
				text[0] = '1'
			}
		case int64:
			kind, text = 'i', fmt.Append(nil, v)
		case float64:
			kind, text = 'f', binary.BigEndian.AppendUint64(nil, math.Float64bits(v))
		case string:
			kind, text = 's', []byte(v)
		case []byte:
			text = v
		case [16]byte:
			text = v[:]
		default:
			return fmt.Errorf("a value of a ledger is a %T", value)
		}
		h.Write(binary.BigEndian.AppendUint64([]byte{kind}, uint64(len(text))))
		h.Write(text)
	}
	sum := h.Sum(nil)
	for i := range c.sum {
		c.sum[i] += binary.BigEndian.Uint64(sum[8*i:])
	}
	c.Rows++
	return nil
}
