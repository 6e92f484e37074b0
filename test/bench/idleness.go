package main

import (
	"context"
	"slices"
	"time"
)

// idleTime is for how long Fleetgate is watched when nothing is asked of it.
const idleTime = 20 * time.Second

// idleness is how many objects Fleetgate allocates without work: to say how many it has
// allocated, and in each second.
type idleness struct{ scrape, second float64 }

func (i idleness) objects(took time.Duration) float64 { return i.scrape + i.second*took.Seconds() }

// watch learns of Fleetgate's idleness, where it runs.
func (b *bench) watch(ctx context.Context) (err error) {
	if slices.ContainsFunc(b.engines, func(e engine) bool { return e.name == nameFleetgate }) {
		b.idleness, err = watchIdle(ctx)
	}
	return err
}

// watchIdle measures it with three scrapes, two of them at once.
func watchIdle(ctx context.Context) (idleness, error) {
	var objects [3]float64
	for i := range objects {
		if i == 2 {
			if err := wait(ctx, idleTime); err != nil {
				return idleness{}, err
			}
		}
		var err error
		if objects[i], err = metrics(ctx, allocatedObjects); err != nil {
			return idleness{}, err
		}
	}
	return idlenessOf(objects[0], objects[1], objects[2]), nil
}

// idlenessOf takes what was allocated before a scrape, after it, and at the end of
// idleTime. What is counted late may show in one and not in the other.
func idlenessOf(first, second, last float64) idleness {
	scrape := second - first
	return idleness{scrape, max(0, last-second-scrape) / idleTime.Seconds()}
}
