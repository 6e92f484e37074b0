package controller

import (
	"errors"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/fleetgate/fleetgate/operator/internal/graph"
	"github.com/fleetgate/fleetgate/operator/internal/names"
	"github.com/fleetgate/fleetgate/operator/internal/provision"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// translate makes the plan. A route that makes that panic has a stand-in from then on,
// so that the rest of the Gateway goes on.
func (w *work) translate(settings provision.Settings, sensorRefused bool) error {
	planOf := func(known *memory, resources *store.Resources) (made plan, err error) {
		err = contain(func() {
			made = makePlan(w.opts.Translate, known, resources, w.opts.Graph, settings)
			if sensorRefused {
				provision.Annotate(made.desired.Objects, names.SensorRefusedAnnotation, "true")
			}
		})
		return made, err
	}
	var last plan
	var lastKnown *memory
	afresh := func(resources *store.Resources) (panicked *panicError) {
		known := &memory{}
		made, err := planOf(known, resources)
		if err == nil {
			last, lastKnown = made, known
		}
		errors.As(err, &panicked)
		return panicked
	}

	found, suspects := w.GatewayReconciler.culprits.of(w.key, w.resources, w.started)
	found = append(found, convict(w.resources, suspects, afresh)...)
	w.known.standIn(w.resources, found)
	made, err := planOf(w.known, standIn(w.resources, found))
	if err == nil {
		w.plan = made
		w.memories.keep(w.key, w.known)
		w.convicted(found)
		return nil
	}
	began := w.opts.Now()
	found, isolated := isolate(w.resources, found, afresh)
	now := w.opts.Now()
	w.GatewayReconciler.culprits.searched(w.key, now.Sub(began), now)
	if !isolated {
		return err
	}
	w.plan, w.known = last, lastKnown
	w.convicted(found)
	return nil
}

// standIn notes what is to stand in for routes. Where that is not what did, and the changes
// do not tell of it, nothing is remembered of the graph.
func (m *memory) standIn(resources *store.Resources, found []culprit) {
	changes := resources.Since(m.translated)
	unheard := func(key store.RouteKey) bool {
		if changes == nil {
			return false // All is compared, or nothing remembered.
		}
		_, heard := changes.Routes[key]
		return !heard
	}
	before := m.stoodIn
	m.translated, m.stoodIn = resources.Edition, make(map[types.UID]store.RouteKey, len(found))
	for i := range found {
		m.stoodIn[found[i].standInID()] = found[i].key
	}
	for _, pair := range [][2]map[types.UID]store.RouteKey{{before, m.stoodIn}, {m.stoodIn, before}} {
		for id, key := range pair[0] {
			if _, both := pair[1][id]; !both && unheard(key) {
				m.graph = graph.Memory{}
			}
		}
	}
}

// convicted notes which routes have stand-ins. Those that were found now are told of, and
// tried again when panicPause is over.
func (w *work) convicted(found []culprit) {
	for i := range found {
		c := &found[i]
		if !c.until.IsZero() {
			continue
		}
		c.until = w.started.Add(panicPause)
		w.opts.Metrics.Panicked()
		if !c.logged {
			log.FromContext(w.ctx).Error(c.panicked, "Translation of a route panicked",
				"kind", c.key.Kind, "route", c.key.NamespacedName, "stack", string(c.panicked.stack))
		}
	}
	w.culprits = found
}
