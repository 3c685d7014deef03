package api

import (
	"strconv"

	"github.com/claygate/claygate/internal/ledger"
)

// What a record's cost is based on.
const (
	basisNothing  = "none"     // nothing of it was sent, or what was sent did not arrive
	basisRecords  = "records"  // what was sent is counted, and its target's configuration says no cost
	basisEstimate = "estimate" // by the cost that its target's configuration says: Clay tells none
)

// Cost is what something cost.
type Cost struct {
	Records     int64   `json:"records"`
	Actions     float64 `json:"actions"`
	DataCredits float64 `json:"data_credits"`
}

func costView(c ledger.Cost) Cost { return Cost{c.Records, c.Actions.Float(), c.Credits.Float()} }

func basis(c ledger.Cost) string {
	switch {
	case c == ledger.Cost{}:
		return basisNothing
	case c.Actions == 0 && c.Credits == 0:
		return basisRecords
	}
	return basisEstimate
}

// appendCost writes a record's cost. Amounts are written as the shortest decimals that they are.
func appendCost(b []byte, c ledger.Cost) []byte {
	b = append(b, `{"records":`...)
	b = strconv.AppendInt(b, c.Records, 10)
	b = append(b, `,"actions":`...)
	b = strconv.AppendFloat(b, c.Actions.Float(), 'f', -1, 64)
	b = append(b, `,"data_credits":`...)
	b = strconv.AppendFloat(b, c.Credits.Float(), 'f', -1, 64)
	b = append(b, `,"basis":"`...)
	b = append(b, basis(c)...)
	return append(b, `"}`...)
}
