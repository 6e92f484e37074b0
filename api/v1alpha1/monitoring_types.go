package v1alpha1

import (
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
)

// MonitoringParameters are how Prometheus finds the proxies and sensors.
type MonitoringParameters struct {
	// serviceMonitor are the settings of the Gateway's ServiceMonitor, which there is
	// where the cluster has the kind.
	// +optional
	ServiceMonitor *ServiceMonitorParameters `json:"serviceMonitor,omitempty"`
	// maxSeries is the most time series that one pod has, the proxy and its sensor
	// together; 500 by default. The busiest routes, backends and listeners are told
	// apart as far as there is room, and the others share a label. A change replaces
	// the pods.
	// +optional
	// +kubebuilder:validation:Minimum=500
	// +kubebuilder:validation:Maximum=100000
	MaxSeries *int32 `json:"maxSeries,omitempty"`
}

// ServiceMonitorParameters are the settings of a ServiceMonitor.
type ServiceMonitorParameters struct {
	// disabled makes none.
	// +optional
	Disabled *bool `json:"disabled,omitempty"`
	// labels are added to the ServiceMonitor, for a Prometheus to select it by. They
	// replace none of Fleetgate's own.
	// +optional
	// +kubebuilder:validation:MaxProperties=32
	Labels map[string]string `json:"labels,omitempty"`
	// interval is the time between scrapes, such as 30s; that of Prometheus by
	// default.
	// +optional
	Interval *monitoringv1.Duration `json:"interval,omitempty"`
	// scrapeTimeout is the most that a scrape may take; that of Prometheus by
	// default.
	// +optional
	ScrapeTimeout *monitoringv1.Duration `json:"scrapeTimeout,omitempty"`
	// relabelings are applied to each target. None may change where it is asked:
	// __address__, __scheme__, __metrics_path__ and __param_ are refused.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	Relabelings []monitoringv1.RelabelConfig `json:"relabelings,omitempty"`
	// metricRelabelings are applied to each sample.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	MetricRelabelings []monitoringv1.RelabelConfig `json:"metricRelabelings,omitempty"`
}
