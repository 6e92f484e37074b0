package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
)

// Result says how something went.
type Result string

// The values of the label "result".
const (
	Written  Result = "written"
	Repaired Result = "repaired"
	TooLarge Result = "too_large"
	Conflict Result = "conflict"
	Failed   Result = "failed"
)

// Metrics are the operator's metrics. All methods are safe for concurrent use.
type Metrics struct {
	build   prometheus.Histogram
	panics  prometheus.Counter
	configs *prometheus.CounterVec
	status  *prometheus.CounterVec
	objects *prometheus.CounterVec
	lag     prometheus.Histogram

	registry prometheus.Registerer
}

// New registers the metrics. reporting returns how many proxies there are, and
// how many of them answer; it is called at each scrape.
func New(registry prometheus.Registerer, reporting func() (all, answering int)) *Metrics {
	m := &Metrics{
		registry: registry,
		build: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "fleetgate_operator_graph_build_duration_seconds",
			Help:    "Time to translate the resources of one Gateway into its configuration and objects.",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1},
		}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "fleetgate_operator_translation_panics_total",
			Help: "Panics of translations: one for each version of an object that is the cause, and one for each look at a Gateway that is it itself; its last configuration stays in use.",
		}),
		configs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fleetgate_operator_config_writes_total",
			Help: "Configurations that were to be stored, by result.",
		}, []string{"result"}),
		status: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fleetgate_operator_status_updates_total",
			Help: "Updates of the status of objects, by kind and result.",
		}, []string{"kind", "result"}),
		objects: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fleetgate_operator_object_writes_total",
			Help: "Objects of fleets that were created, applied or deleted.",
		}, []string{"operation"}),
		lag: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "fleetgate_operator_config_delivery_seconds",
			Help:    "Time from the start of a reconciliation to the configuration being stored, for those that changed it.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5},
		}),
	}
	registry.MustRegister(m.build, m.panics, m.configs, m.status, m.objects, m.lag, proxies(reporting))
	for _, result := range []Result{Written, Repaired, TooLarge, Conflict, Failed} {
		m.configs.WithLabelValues(string(result))
	}
	return m
}

// BuildTook observes one translation.
func (m *Metrics) BuildTook(d time.Duration) { m.build.Observe(d.Seconds()) }

// Panicked counts a translation that panicked.
func (m *Metrics) Panicked() { m.panics.Inc() }

// Config counts one attempt to store a configuration.
func (m *Metrics) Config(result Result) { m.configs.WithLabelValues(string(result)).Inc() }

// Delivered observes how long a changed configuration took to be stored.
func (m *Metrics) Delivered(d time.Duration) { m.lag.Observe(d.Seconds()) }

// Status counts one update of an object's status.
func (m *Metrics) Status(kind string, result Result) {
	m.status.WithLabelValues(kind, string(result)).Inc()
}

// Object counts one write of an object of a fleet.
func (m *Metrics) Object(operation string) { m.objects.WithLabelValues(operation).Inc() }

// Requests registers what counts the requests to the API server that are to change
// something, and returns that: by verb, API group and resource.
func Requests(registry prometheus.Registerer) *prometheus.CounterVec {
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "fleetgate_operator_api_writes_total",
		Help: "Requests to the API server that are to change something, whatever the answer, by what they are about.",
	}, []string{"verb", "group", "resource"})
	registry.MustRegister(requests)
	return requests
}

// Rollouts registers how many fleets have a turn in a rollout, or wait for one. counts is
// called at each scrape.
func (m *Metrics) Rollouts(counts func() (waiting, underWay, failed int)) {
	m.registry.MustRegister(rollouts(counts))
}

// rollouts reads the numbers of fleets when it is scraped.
type rollouts func() (waiting, underWay, failed int)

func rolloutsDesc() *prometheus.Desc {
	return prometheus.NewDesc("fleetgate_operator_rollout_fleets",
		"Fleets whose pods are to be replaced for the operator's or the class's sake, by how far they are. While one has failed, all others wait.",
		[]string{"state"}, nil)
}

// Describe implements prometheus.Collector.
func (r rollouts) Describe(ch chan<- *prometheus.Desc) { ch <- rolloutsDesc() }

// Collect implements prometheus.Collector.
func (r rollouts) Collect(ch chan<- prometheus.Metric) {
	waiting, underWay, failed := r()
	desc := rolloutsDesc()
	ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(waiting), "waiting")
	ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(underWay), "under_way")
	ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(failed), "failed")
}

// Gateways registers how many ready proxies each Gateway has. ready is called at each
// scrape.
func (m *Metrics) Gateways(ready func() map[types.NamespacedName]int) {
	m.registry.MustRegister(gateways(ready))
}

// gateways reads the numbers of ready proxies when it is scraped.
type gateways func() map[types.NamespacedName]int

func gatewaysDesc() *prometheus.Desc {
	return prometheus.NewDesc("fleetgate_operator_gateway_ready_proxies",
		"Proxies of a Gateway whose pods are ready, for each Gateway that is to have any.",
		[]string{"gateway_namespace", "gateway_name"}, nil)
}

// Describe implements prometheus.Collector.
func (g gateways) Describe(ch chan<- *prometheus.Desc) { ch <- gatewaysDesc() }

// Collect implements prometheus.Collector.
func (g gateways) Collect(ch chan<- prometheus.Metric) {
	desc := gatewaysDesc()
	for gateway, ready := range g() {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(ready), gateway.Namespace, gateway.Name)
	}
}

// proxies reads the numbers of proxies when it is scraped.
type proxies func() (all, answering int)

func proxiesDesc() *prometheus.Desc {
	return prometheus.NewDesc("fleetgate_operator_proxies",
		"Proxy pods of all fleets, by whether they answer on their admin port.", []string{"state"}, nil)
}

// Describe implements prometheus.Collector.
func (p proxies) Describe(ch chan<- *prometheus.Desc) { ch <- proxiesDesc() }

// Collect implements prometheus.Collector.
func (p proxies) Collect(ch chan<- prometheus.Metric) {
	all, answering := p()
	desc := proxiesDesc()
	ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(answering), "reporting")
	ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(all-answering), "silent")
}
