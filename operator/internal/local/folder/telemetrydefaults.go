package folder

func telemetryPolicyDefaults() []fieldDefault {
	return []fieldDefault{
		{"spec.tracing.mode", `"ImplementationDefault"`},
		{"spec.tracing.parentBasedSampling.mode", `"ImplementationDefault"`},
		{"spec.tracing.parentBasedSampling.samplingRate.denominator", `100`},
		{"spec.tracing.provider.backendRef.group", `""`},
		{"spec.tracing.provider.backendRef.kind", `"Service"`},
		{"spec.tracing.samplingRate.denominator", `100`},
	}
}
