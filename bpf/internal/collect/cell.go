package collect

import (
	"github.com/fleetgate/fleetgate/api/probe/v1"
)

// The places of a cell's figures: the bytes, and then of each class the sum of its
// durations and their buckets.
const (
	placeRequest = iota
	placeResponse
	placeDurations

	durationFigures = 1 + probe.Buckets
)

// eachClass calls fn with the figures of each class that a cell has any of. They
// begin at a place of their own.
func eachClass(cell []figure, fn func(probe.Class, durationsAt)) {
	for len(cell) > 0 {
		if cell[0].place < placeDurations {
			cell = cell[1:]
			continue
		}
		class := (cell[0].place - placeDurations) / durationFigures
		first := placeDurations + class*durationFigures
		n := 1
		for n < len(cell) && cell[n].place < first+durationFigures {
			n++
		}
		fn(probe.Class(class), durationsAt{cell[:n], first})
		cell = cell[n:]
	}
}

// durationsAt are figures of durations, the sum of which has the first place.
type durationsAt struct {
	figures []figure
	first   int
}

// addTo adds them.
func (d durationsAt) addTo(to *probe.Durations) {
	for _, f := range d.figures {
		if f.place == d.first {
			to.Sum += f.n
		} else {
			to.Bucket[f.place-d.first-1] += f.n
		}
	}
}
