package controller

import (
	"reflect"

	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fleetgate/fleetgate/operator/internal/graph"
	"github.com/fleetgate/fleetgate/operator/internal/provision"
	"github.com/fleetgate/fleetgate/operator/internal/scraping"
)

// steady is a fleet that was seen to consist of what it is to. Most changes are of routes
// and endpoints, and none of its objects follows from these: until an event tells of one of
// them, or something else comes to be wanted, they are neither made nor compared again.
type steady struct {
	// gateway and settings are what the objects follow from.
	gateway  *graph.Gateway
	settings provision.Settings
	// live is an outline of the workloads.
	live workloads
	// desired is an outline of them: there may be a thousand fleets, and all that is asked
	// of one that is steady is how many proxies it is to have.
	desired provision.Result
	// scraping is who was found to select the fleet's ServiceMonitor, and sensor what is to
	// be told of its sensors.
	scraping *scraping.Choice
	sensor   string
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
		w.observed.Scraping, w.observed.Sensor = w.known.steady.scraping, w.known.steady.sensor
		return
	}
	failed := len(w.errs)
	w.observed.Sensor = narrowed(w.sensor, w.plan.desired.Objects)
	w.note(w.chooseScraper())
	if agrees := w.provision(); agrees && len(w.errs) == failed && !w.keeps && w.rollAgain == 0 {
		w.known.steady = &steady{
			gateway: w.plan.graph.Gateway, settings: w.plan.settings, live: w.live.outline(),
			desired: outline(w.plan.desired), scraping: w.observed.Scraping, sensor: w.observed.Sensor,
		}
	}
}

// readFleet reads the workloads and the pods of the fleet, unless no event has told of
// them since that was done last.
func (w *work) readFleet() (err error) {
	if w.known.steady != nil {
		w.live = w.known.steady.live
	} else if w.live, err = w.liveOf(w.ctx, w.owner, w.names.Name()); err != nil {
		return err
	}
	if w.known.pods == nil {
		w.known.pods, err = w.podsOf(w.ctx, w.gateway)
	}
	w.pods = w.known.pods
	return err
}

// outline leaves the kind of the workload, and its replicas.
func outline(desired provision.Result) provision.Result {
	out := provision.Result{Refused: desired.Refused}
	switch workload := provision.Workload(desired.Objects).(type) {
	case *appsv1.Deployment:
		slim := &appsv1.Deployment{}
		slim.Spec.Replicas = workload.Spec.Replicas
		out.Objects = []client.Object{slim}
	case *appsv1.DaemonSet:
		out.Objects = []client.Object{&appsv1.DaemonSet{}}
	}
	return out
}
