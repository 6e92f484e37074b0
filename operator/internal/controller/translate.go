package controller

import (
	"errors"

	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
	"github.com/fleetgate/fleetgate/operator/internal/names"
	"github.com/fleetgate/fleetgate/operator/internal/parameters"
	"github.com/fleetgate/fleetgate/operator/internal/provision"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// translate makes the plan. An object that makes that panic has a stand-in from then on,
// or is left out, so that the rest of the Gateway goes on.
func (w *work) translate(settings provision.Settings, sensorRefused bool) error {
	planOf := w.planner(settings, sensorRefused)
	found, suspects := w.GatewayReconciler.culprits.of(w.key, w.resources, w.started)
	found = append(found, convict(w.resources, found, suspects, planOf.try)...)
	w.known.noteStandIns(w.resources, found)
	made, panicked := planOf(w.known, standIn(w.resources, found))
	if panicked != nil {
		return w.search(planOf, found, panicked)
	}
	w.plan = made
	w.memories.keep(w.key, w.known)
	w.convicted(found)
	return nil
}

// planner makes a plan with what is known of the one before, which is good for nothing
// after a panic.
type planner func(known *memory, resources *store.Resources) (plan, *panicError)

// try is an attempt.
func (p planner) try(resources *store.Resources) *panicError {
	_, panicked := p(&memory{}, resources)
	return panicked
}

func (w *work) planner(settings provision.Settings, sensorRefused bool) planner {
	return func(known *memory, resources *store.Resources) (made plan, panicked *panicError) {
		err := contain(func() {
			made = makePlan(w.opts.Translate, known, resources, w.opts.Graph, settings)
			if sensorRefused {
				provision.Annotate(made.desired.Objects, names.SensorRefusedAnnotation, "true")
			}
		})
		errors.As(err, &panicked)
		return made, panicked
	}
}

// search makes the plan with stand-ins for what makes it panic, beside what was found, and
// returns the panic if that is the Gateway itself.
func (w *work) search(planOf planner, found []culprit, panicked *panicError) error {
	found, isolated := isolate(w.resources, found, func(resources *store.Resources) *panicError {
		known := &memory{}
		made, panicked := planOf(known, resources)
		if panicked == nil {
			w.plan, w.known = made, known
		}
		return panicked
	})
	w.searched = true
	if !isolated {
		w.blameSettings(planOf, panicked)
		return panicked
	}
	w.convicted(found)
	return nil
}

// blameSettings has parameters tell that the translation panics with the settings that they
// have given to the proxies already. There is no configuration without these.
func (w *work) blameSettings(planOf planner, panicked *panicError) {
	unset := only(w.resources, nil)
	unset.LastParameters = nil
	found, is := oneOfOthers(unset, nil, planOf.try)
	if !is || found[0].key.Kind != v1alpha1.KindGatewayParameters {
		return
	}
	panicked.with = "GatewayParameters " + found[0].key.String()
	layer := parameters.LayerGateway
	if own, named := store.OwnParameters(w.gateway); !named || own != found[0].key.NamespacedName {
		layer = parameters.LayerClass
	}
	w.useParameters([]parameters.Refusal{{Layer: layer, Message: found[0].says()}})
}

// convicted notes what has stand-ins. Those that were found now are told of, and
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
			log.FromContext(w.ctx).Error(c.panicked, "Translation of an object panicked",
				"kind", c.key.Kind, "object", c.key.NamespacedName, "stack", string(c.panicked.stack))
		}
	}
	w.culprits = found
}
