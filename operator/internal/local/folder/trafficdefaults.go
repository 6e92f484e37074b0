package folder

func trafficPolicyDefaults() []fieldDefault {
	return []fieldDefault{
		{"spec.retryConstraint.budget", `{"interval":"10s","percent":20}`},
		{"spec.retryConstraint.budget.interval", `"10s"`},
		{"spec.retryConstraint.budget.percent", `20`},
		{"spec.retryConstraint.minRetryRate", `{"count":10,"interval":"1s"}`},
		{"spec.sessionPersistence.cookie.lifetimeType", `"Session"`},
		{"spec.sessionPersistence.cookie.path", `"/"`},
		{"spec.sessionPersistence.type", `"Cookie"`},
	}
}
