package controller

import (
	"reflect"

	"github.com/fleetgate/fleetgate/operator/internal/graph"
	"github.com/fleetgate/fleetgate/operator/internal/provision"
	"github.com/fleetgate/fleetgate/operator/internal/scraping"
)

// steady is a fleet that was seen to consist of what it is to. Most changes are of routes
// and endpoints, and none of its objects follows from these: until an event tells of one of
// them, or something else comes to be wanted, they are neither made nor compared again.
type steady struct {
	// gateway and settings are what desired follows from.
	gateway  *graph.Gateway
	settings provision.Settings
	desired  provision.Result
	// scraping is who was found to select the fleet's ServiceMonitor.
	scraping *scraping.Choice
}

// follows says whether what is desired follows from a Gateway and settings, too. A Gateway
// that was taken over is the node that it was.
func (s *steady) follows(gateway *graph.Gateway, settings *provision.Settings) bool {
	return s != nil && s.gateway == gateway && reflect.DeepEqual(&s.settings, settings)
}

// bringFleet brings the objects of the fleet into the state that is wanted, unless they
// are known to be in it.
func (w *work) bringFleet() {
	if w.plan.steady {
		w.observed.Scraping = w.known.steady.scraping
		return
	}
	failed := len(w.errs)
	w.note(w.chooseScraper())
	if agrees := w.provision(); agrees && len(w.errs) == failed && !w.keeps && w.rollAgain == 0 {
		w.known.steady = &steady{w.plan.graph.Gateway, w.plan.settings, w.plan.desired, w.observed.Scraping}
	}
}
