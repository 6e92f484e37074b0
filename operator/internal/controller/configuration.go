package controller

import (
	"errors"
	"fmt"
	"slices"

	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/fleetgate/fleetgate/operator/internal/apply"
	"github.com/fleetgate/fleetgate/operator/internal/delivery"
	"github.com/fleetgate/fleetgate/operator/internal/metrics"
	"github.com/fleetgate/fleetgate/operator/internal/proxies"
)

// deliver stores certificates first: a configuration that names one is of no
// use without it.
func (w *work) deliver() {
	w.storeCertificates()
	result := w.storeConfig()
	w.observed.Hash, w.revision = result.Hash, result.Revision
	w.observed.Oversize = result.Dropped
	var tooLarge string
	if n := len(result.Dropped); n > 0 {
		tooLarge = fmt.Sprintf("%d items are not served, as they exceed what the configuration of one Gateway may hold, the first of them %s %s",
			n, result.Dropped[0].Kind, result.Dropped[0].Name)
		w.problem(tooLarge)
	}
	w.events.lasts(w.gateway, ConfigTooLarge, "StoreConfig", tooLarge)
	if result.Repaired != "" {
		text := fmt.Sprintf("ConfigMap %s was replaced, as it was not what had been stored: %s", w.names.ConfigMap(), result.Repaired)
		w.events.happened(w.gateway, ConfigRepaired, "StoreConfig", text)
		w.repairs.happened(w.key, text, w.started)
	}
}

// storeCertificates stores the certificates, unless they are known to be stored.
func (w *work) storeCertificates() {
	if known := w.known.certificates; known != nil && known.equal(&w.plan.certificates) {
		return
	}
	w.known.certificates = nil
	var errs []error
	for shard, data := range w.plan.certificates {
		_, err := w.writer.Secret(w.ctx, w.owner, w.names.CertificateSecret(shard), data)
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		w.note(err)
		return
	}
	stored := w.plan.certificates
	w.known.certificates = &stored
}

// storeConfig stores the configuration, and returns what is stored. Where nobody reads it
// yet, it waits for more of the routes that come with a new Gateway, until a proxy is
// there, which an event tells.
func (w *work) storeConfig() delivery.ConfigResult {
	pace := &w.known.config
	begun := slices.ContainsFunc(w.pods, func(pod proxies.Pod) bool { return pod.Address != "" })
	switch {
	case begun:
		pace.waiting = nil
	case !pace.at.IsZero():
		if w.storeAgain = pace.wait(w.plan.edition, w.started, w.opts.Hold); w.storeAgain > 0 {
			return pace.stored
		}
	}
	result, err := w.writer.Config(w.ctx, w.owner, w.names.ConfigMap(), &w.plan.config, w.plan.edition)
	w.count(result, err)
	w.note(err)
	if err == nil && result.Written {
		pace.wrote(&result, w.started)
	}
	return result
}

func (w *work) count(result delivery.ConfigResult, err error) {
	m := w.opts.Metrics
	switch {
	case err != nil:
		m.Config(metrics.Failed)
	case len(result.Dropped) > 0 && result.Written:
		m.Config(metrics.TooLarge)
	case result.Repaired != "":
		m.Config(metrics.Repaired)
	case result.Written:
		m.Config(metrics.Written)
	default:
		return
	}
	if result.Written {
		took := w.opts.Now().Sub(w.started)
		m.Delivered(took)
		log.FromContext(w.ctx).V(1).Info("Stored configuration", "hash", result.Hash, "revision", result.Revision, "took", took)
	}
}

// delivered are the objects of the fleet that the plan does not hold.
func (w *work) delivered() []apply.Kept {
	kept := []apply.Kept{{Kind: "Secret", Name: w.names.AdminSecret()}}
	for _, name := range w.names.ConfigMaps() {
		kept = append(kept, apply.Kept{Kind: "ConfigMap", Name: name})
	}
	for _, name := range w.names.CertificateSecrets() {
		kept = append(kept, apply.Kept{Kind: "Secret", Name: name})
	}
	if w.nodeAgent != nil && w.authorities.PEM == "" {
		// The plan would hold it if they could be read.
		kept = append(kept, apply.Kept{Kind: "ConfigMap", Name: w.names.NodeAgentConfigMap()})
	}
	return kept
}
