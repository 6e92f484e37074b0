package main

import (
	"fmt"
	"math"
)

// again compares two runs of the same programs, one after the other: what they
// differ by is what the figures of one run are uncertain by.
type again struct{ first, second *findings }

// agree says that the rounds of both runs overlap, or are no further apart than grain.
func agree(a, b spread, grain float64) bool { return a.min <= b.max+grain && b.min <= a.max+grain }

// table has a row for each bar that both runs judge. What is less than the last digit
// shown is no difference.
func (a again) table(o options) table {
	t := table{header: []string{"work", "bar", "measured", "again", "the rounds of both"}}
	met, all := 0, 0
	for _, b := range bars() {
		one, two := a.first.judge(b), a.second.judge(b)
		if !o.selected(b.workload) || !one.ran || !two.ran {
			continue
		}
		all++
		verdict := "differ"
		switch grain := max(one.grain, two.grain, math.Pow10(-one.digits())); {
		case agree(one.measured, two.measured, 0):
			verdict = "overlap"
			met++
		case agree(one.measured, two.measured, grain):
			verdict = "as near as can be told"
			met++
		}
		row := one.row()
		t.rows = append(t.rows, []string{row[0], row[1], row[2], two.row()[2], verdict})
	}
	t.title = fmt.Sprintf("The same again: %d of %d figures agree within their noise", met, all)
	return t
}
