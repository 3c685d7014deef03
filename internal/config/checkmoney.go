package config

import (
	"fmt"
	"math"
	"strings"
	"time"
	_ "time/tzdata" // a small machine, or container, has no time zones of its own
)

// checkMoney checks the budgets, and that what they are counted in is known of every target that they pay for.
func (d *decoder) checkMoney(c *Config) {
	if _, err := time.LoadLocation(c.TimeZone); d.sound("time_zone") && (err != nil || c.TimeZone == "Local") {
		d.refuse("time_zone", shown(c.TimeZone)+" is not a time zone", "write it like Europe/Berlin, or UTC")
	}
	var everything []string
	for _, workspace := range names(c.Workspaces) {
		w, path := c.Workspaces[workspace], join(workspaces, workspace)
		var targets []string
		for _, kind := range []struct {
			key   string
			names []string
			of    func(string) (Cost, Budget, Bound)
		}{
			{"tables", names(w.Tables), func(n string) (Cost, Budget, Bound) {
				t := w.Tables[n]
				return t.Cost, t.Budget, t.ConfirmAbove
			}},
			{"routines", names(w.Routines), func(n string) (Cost, Budget, Bound) {
				r := w.Routines[n]
				return r.Cost, r.Budget, r.ConfirmAbove
			}},
			{"lookups", names(w.Lookups), func(n string) (Cost, Budget, Bound) {
				l := w.Lookups[n]
				return l.Cost, l.Budget, l.ConfirmAbove
			}},
		} {
			for _, name := range kind.names {
				at := join(join(path, kind.key), name)
				cost, budget, bound := kind.of(name)
				d.checkCost(at+".cost", cost)
				d.checkBudget(at+".budget", budget, []string{at})
				d.checkBound(at, bound)
				targets = append(targets, at)
			}
		}
		d.checkBudget(path+".budget", w.Budget, targets)
		everything = append(everything, targets...)
	}
	for _, key := range names(c.KeyBudgets) {
		d.checkBudget(join("key_budgets", key), c.KeyBudgets[key], everything)
	}
}

func (d *decoder) checkCost(path string, c Cost) {
	d.checkAmount(path+".actions", c.Actions, c.Actions < 0)
	d.checkAmount(path+".data_credits", c.DataCredits, c.DataCredits < 0)
}

// most bounds every amount: more is a slip of the keyboard.
const most = 1e9

func (d *decoder) checkAmount(path string, n float64, tooLittle bool) {
	switch {
	case !d.given(path) || !d.sound(path):
	case tooLittle && n == 0:
		d.refuse(path, "0 sends nothing at all", "leave it out for no limit; claygate stop and claygate targets pause stop sending")
	case tooLittle:
		d.refuse(path, "is less than 0", "")
	case n > most:
		d.refuse(path, fmt.Sprintf("is more than %.0f, the most it can be", float64(most)), "")
	}
}

// checkBudget checks a budget, which pays for the targets at some paths.
func (d *decoder) checkBudget(path string, b Budget, targets []string) {
	for _, of := range []struct {
		meter string
		Allowance
	}{{"records", b.Records}, {"actions", b.Actions}, {"data_credits", b.DataCredits}} {
		at := join(path, of.meter)
		d.checkAmount(at+".per_day", of.PerDay, of.PerDay <= 0)
		d.checkAmount(at+".per_month", of.PerMonth, of.PerMonth <= 0)
		if of.meter == "records" {
			d.checkWhole(at+".per_day", of.PerDay)
			d.checkWhole(at+".per_month", of.PerMonth)
			continue
		}
		d.checkPriced(at, of.meter, targets)
	}
}

func (d *decoder) checkWhole(path string, n float64) {
	if d.given(path) && d.sound(path) && n != math.Trunc(n) {
		d.refuse(path, "must be a whole number: records are not divided", "")
	}
}

// checkBound checks from when on somebody is asked, in what is known of the target at a path.
func (d *decoder) checkBound(target string, b Bound) {
	for _, of := range []struct {
		meter string
		n     float64
	}{{"records", b.Records}, {"actions", b.Actions}, {"data_credits", b.DataCredits}} {
		at := target + ".confirm_above." + of.meter
		if d.given(at) && d.sound(at) && of.n == 0 {
			d.refuse(at, "0 asks nobody", "leave it out for that, or write how much may go without asking")
			continue
		}
		d.checkAmount(at, of.n, of.n < 0)
		if of.meter == "records" {
			d.checkWhole(at, of.n)
		} else {
			d.checkPriced(at, of.meter, []string{target})
		}
	}
}

// checkPriced refuses a limit in actions or data credits where it is not known what a record costs.
func (d *decoder) checkPriced(path, meter string, targets []string) {
	if !d.given(path) || !d.sound(path) {
		return
	}
	var unknown []string
	for _, target := range targets {
		if at := join(target+".cost", meter); !d.given(at) && d.sound(at) {
			unknown = append(unknown, target)
		}
	}
	if len(unknown) == 0 {
		return
	}
	d.refuse(path, "needs to know what a record costs, and that is not said of "+strings.Join(unknown, ", "),
		fmt.Sprintf("write cost: {%s: …} there; claygate cost measure -t TARGET finds it out", meter))
}
