package config

import "time"

// Budget bounds what is spent, in days and months of [Config.TimeZone]. What was reserved for a request that surely was not
// made is given back; results that come from the cache cost nothing.
type Budget struct {
	// Records bounds how many records are sent. Default none. It needs no estimate.
	Records Allowance `yaml:"records"`
	// Actions bounds Clay's actions, by what the targets are said to cost. Default none.
	Actions Allowance `yaml:"actions"`
	// DataCredits bounds Clay's data credits, likewise. Default none.
	DataCredits Allowance `yaml:"data_credits"`
	// OnExhausted says what becomes of records once it is spent: hold (default) keeps them until the day or the month turns,
	// reject turns new ones away.
	OnExhausted Exhausted `yaml:"on_exhausted"`
}

// Allowance is how much may be spent.
type Allowance struct {
	// PerDay is the most in a day. Default none.
	PerDay float64 `yaml:"per_day"`
	// PerMonth is the most in a month. Default none.
	PerMonth float64 `yaml:"per_month"`
}

// Cost is what a record of a target costs on average. Clay tells no price in its documented API: `claygate cost measure`
// finds it out.
type Cost struct {
	// Actions is how many of Clay's actions it takes. Default: not known.
	Actions float64 `yaml:"actions"`
	// DataCredits is how many data credits it takes. Default: not known.
	DataCredits float64 `yaml:"data_credits"`
}

// Bound is what a load from the command line may cost before somebody is asked: `claygate enrich` and `send` ask, and in a
// script demand --yes. Records that programs hand in are none of its business; budgets bound those.
type Bound struct {
	// Records is for how many rows nobody is asked. Default: for any number.
	Records float64 `yaml:"records"`
	// Actions and DataCredits are for how many of them, by what a record is said to cost. Default: for any number.
	Actions     float64 `yaml:"actions"`
	DataCredits float64 `yaml:"data_credits"`
}

// Exhausted says what becomes of records whose budget is spent.
type Exhausted string

// The policies for records whose budget is spent.
const (
	HoldBack Exhausted = "hold"
	TurnAway Exhausted = "reject"
)

func (Exhausted) choices() []string { return texts(HoldBack, TurnAway) }

func (b *Budget) setDefaults() { *b = Budget{OnExhausted: HoldBack} }

// Zone returns the time zone in which days and months are counted.
func (c Config) Zone() *time.Location {
	zone, err := time.LoadLocation(c.TimeZone)
	if err != nil { // it was checked
		return time.UTC
	}
	return zone
}
