package controller

import (
	"fmt"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fleetgate/fleetgate/operator/internal/provision"
	"github.com/fleetgate/fleetgate/operator/internal/scraping"
)

// chooseScraper finds out which Prometheus selects the fleet's ServiceMonitor, and gives
// it the labels that this takes. Labels that the parameters or the operator's flags name
// are taken for all that there is to add.
func (w *work) chooseScraper() error {
	monitor := provision.Monitor(w.plan.desired.Objects)
	if monitor == nil {
		return nil
	}
	var list monitoringv1.PrometheusList
	if err := w.opts.Reader.List(w.ctx, &list); err != nil {
		return fmt.Errorf("listing what selects ServiceMonitors: %w", err)
	}
	seen := scraping.Monitor{Name: client.ObjectKeyFromObject(monitor), Labels: monitor.Labels}
	if namespace := w.resources.Namespaces[w.key.Namespace]; namespace != nil {
		seen.Namespace = namespace.Labels
	}
	choice := scraping.Choose(&seen, list.Items, !w.monitorLabelled())
	for key, value := range choice.Add {
		monitor.Labels[key] = value
	}
	w.observed.Scraping = &choice
	return nil
}

// monitorLabelled says whether somebody has said by which labels the ServiceMonitor is
// to be selected.
func (w *work) monitorLabelled() bool {
	monitoring := w.plan.graph.Gateway.Parameters.Spec.Monitoring
	own := monitoring != nil && monitoring.ServiceMonitor != nil && len(monitoring.ServiceMonitor.Labels) > 0
	return own || len(w.opts.Settings.ServiceMonitorLabels) > 0
}
