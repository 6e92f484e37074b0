package folder

// parametersDefaults are those of our own CRD.
func parametersDefaults() []fieldDefault {
	return []fieldDefault{
		{"spec.monitoring.serviceMonitor.metricRelabelings[].action", `"replace"`},
		{"spec.monitoring.serviceMonitor.relabelings[].action", `"replace"`},
		{"spec.pod.imagePullSecrets[].name", `""`},
		{"spec.service.nodePorts[].protocol", `"TCP"`},
	}
}
