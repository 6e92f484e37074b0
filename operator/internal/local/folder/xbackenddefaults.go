package folder

func xbackendDefaults() []fieldDefault {
	return []fieldDefault{
		{"spec.sessionPersistence.cookie.lifetimeType", `"Session"`},
		{"spec.sessionPersistence.cookie.path", `"/"`},
		{"spec.sessionPersistence.type", `"Cookie"`},
		{"spec.tls", `{"mode":"None"}`},
		{"spec.tls.clientCertificateRef.group", `""`},
		{"spec.tls.clientCertificateRef.kind", `"Secret"`},
	}
}
