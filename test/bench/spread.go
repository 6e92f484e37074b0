package main

import (
	"fmt"
	"slices"
)

// spread is a median with the least and the greatest value around it.
type spread struct{ median, min, max float64 }

// spreadOf needs at least one value.
func spreadOf(values []float64) spread {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return spread{
		median: (sorted[(n-1)/2] + sorted[n/2]) / 2,
		min:    sorted[0],
		max:    sorted[n-1],
	}
}

// over takes one figure of each sample.
func (g figure) over(samples []sample) spread {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = g.of(s)
	}
	return spreadOf(values)
}

// ratio compares two engines round by round, so that what slowed a round down
// slows both sides of its ratio. Engines have equally many rounds.
func (g figure) ratio(a, b []sample) spread {
	values := make([]float64, len(a))
	for i := range a {
		values[i] = g.of(a[i]) / g.of(b[i])
	}
	return spreadOf(values)
}

// text writes the spread with so many digits after the point.
func (s spread) text(digits int) string {
	return fmt.Sprintf("%.*f (%.*f..%.*f)", digits, s.median, digits, s.min, digits, s.max)
}
