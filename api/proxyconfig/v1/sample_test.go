package proxyconfig

// sampleGateway and sampleConfig are a small configuration in which every field
// of the contract is set at least once.
func sampleGateway() Gateway {
	return Gateway{Namespace: "shop", Name: "edge", UID: "6c1f2a0e-0000-4000-8000-000000000001"}
}

// authority is the certificate of an authority that signed nothing.
const authority = `-----BEGIN CERTIFICATE-----
MIIBfzCCASWgAwIBAgIUCOCetXSH/hCknIW7CoOd6nDdYQ0wCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJYXV0aG9yaXR5MCAXDTI2MTEyNTIyMTc1M1oYDzIxMjYxMTAx
MjIxNzUzWjAUMRIwEAYDVQQDDAlhdXRob3JpdHkwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASc122JHJcavJ8aiGM2L5vI3sqzJjwGEo+Xzr+t4b0h8l5fL2CzZbx4
AitwzL/o9KY+SMeLOEM30mXsd2Lx8tdRo1MwUTAdBgNVHQ4EFgQUlQ2N1/EGo4e7
Z5GnlG6vnbkStV4wHwYDVR0jBBgwFoAUlQ2N1/EGo4e7Z5GnlG6vnbkStV4wDwYD
VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiBGZyQqeTd5380v4s/eS+Ex
I8sn5G/01uSo+GXr1TwGKwIhAOFFfnMOUTAgTsgmKbJ6bEghSxNBwLYwqXR6aAJH
DrUA
-----END CERTIFICATE-----
`

func sampleConfig() *Config {
	return &Config{
		Listeners: []Listener{
			{Name: "http", Port: 80, Protocol: HTTP},
			{Name: "secure", Port: 443, Protocol: HTTPS, Hostname: "*.example.com", Certificates: []CertificateRef{
				{Secret: 0, Key: "shop.edge-tls", SHA256: "aa11"},
			}, TLS: &ListenerTLS{
				MinVersion: TLS12, CipherSuites: []string{"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"},
				ClientValidation: &ClientValidation{CACertificates: authority, Mode: AllowValidOnly},
			}, Filters: &ListenerFilters{Requests: []Filter{
				{Type: FilterExternalAuth, ExternalAuth: &ExternalAuth{Protocol: AuthHTTP, Backend: "shop/cart:8080"}},
			}}},
		},
		Routes: []Route{{
			Kind: "HTTPRoute", Namespace: "shop", Name: "cart", CreatedAt: 1700000000,
			Attachments: []Attachment{{Listener: "http", Hostnames: []string{"cart.example.com", "*.example.org"}}},
			Rules: []Rule{
				{
					Name: "api",
					Matches: []Match{{
						Path:    &PathMatch{Type: PathPrefix, Value: "/api"},
						Method:  "GET",
						Headers: []ValueMatch{{Type: ValueExact, Name: "X-Version", Value: "2"}},
						Query:   []ValueMatch{{Type: ValueRegex, Name: "q", Value: "a+"}},
					}},
					Filters: []Filter{
						{Type: FilterRequestHeaders, Headers: &HeaderEdits{
							Set:    []Header{{Name: "X-Set", Value: "1"}},
							Add:    []Header{{Name: "X-Add", Value: "<2>"}},
							Remove: []string{"X-Gone"},
						}},
						{Type: FilterCORS, CORS: &CORS{
							AllowOrigins: []string{"https://*.example.com"}, AllowMethods: []string{"PUT"}, AllowHeaders: []string{"X-Token"},
							ExposeHeaders: []string{"X-Total"}, AllowCredentials: true, MaxAgeSeconds: 600,
						}},
						{Type: FilterMirror, Mirror: &Mirror{Backend: "shop/cart:8080", Fraction: &Fraction{Numerator: 1, Denominator: 3}}},
						{Type: FilterExternalAuth, ExternalAuth: &ExternalAuth{
							Protocol: AuthHTTP, Backend: "shop/cart:8080", Authority: "cart.shop", PathPrefix: "/check",
							RequestHeaders: []string{"Cookie"}, ResponseHeaders: []string{"X-User"}, MaxBodyBytes: 8192,
						}},
						{Type: FilterRewrite, Rewrite: &Rewrite{Hostname: "inner", Path: &PathRewrite{Type: ReplacePrefixMatch, Value: "/v2"}}},
					},
					Backends: []BackendRef{
						{Backend: "shop/cart:8080", Weight: 90, Filters: []Filter{
							{Type: FilterResponseHeaders, Headers: &HeaderEdits{Remove: []string{"Server"}}},
						}, Session: &Session{Type: SessionCookie, Name: "cart", Path: "/api", TimeoutMillis: 3600000, Shared: true, Permanent: true}},
						{Weight: 10},
					},
					Timeouts: &Timeouts{RequestMillis: 5000, BackendRequestMillis: 1000},
					Retry:    &Retry{Attempts: 2, Codes: []int{503}, ConnectFailure: true, Reset: true, BackoffMillis: 50},
				},
				{
					Filters: []Filter{{Type: FilterRedirect, Redirect: &Redirect{
						Scheme: "https", Hostname: "example.com", Port: 8443, Status: 301,
						Path: &PathRewrite{Type: ReplaceFullPath, Value: "/moved"},
					}}},
				},
				{Invalid: "filter ExtensionRef is not known"},
			},
		}},
		Backends: []Backend{{
			ID: "shop/cart:8080", Namespace: "shop", Service: "cart", Port: 8080, Protocol: "http",
			Endpoints: []Endpoint{
				{Address: "10.0.0.1", Port: 8080, Zone: "a"},
				{Address: "fd00::1", Port: 8080, Terminating: true},
			},
			Policy: samplePolicy(),
		}, {
			ID: "shop/pay:443", Namespace: "shop", Service: "pay", Port: 443, Protocol: BackendHTTP2,
			TLS: &BackendTLS{
				ServerName: "pay.internal", CACertificates: authority, MinVersion: TLS13,
				SubjectAltNames:   []SubjectAltName{{Hostname: "*.internal"}, {URI: "spiffe://shop/pay"}},
				ClientCertificate: &CertificateRef{Secret: 0, Key: "shop.edge-client", SHA256: "bb22"},
			},
		}, {
			ID: "shop/ship:443", Namespace: "shop", Service: "ship", Port: 443, Protocol: BackendHTTP1,
			TLS: &BackendTLS{ServerName: "ship.example.com", SystemCAs: true},
		}, {
			ID: "XBackend/shop/bank:443", Kind: BackendKindXBackend, Namespace: "shop", Service: "bank", Port: 443, Protocol: BackendHTTP1,
			External: &External{Hostname: "api.example.net", Forbidden: []string{"10.0.0.250:6443"}},
		}},
		Tracing: &Tracing{
			Collector: "shop/pay:443", Authority: "pay.shop:443", ServiceName: "edge.shop", SpanName: "ingress",
			Sampling: Fraction{Numerator: 5, Denominator: 100}, ParentSampling: &Fraction{Numerator: 1, Denominator: 2},
			Attributes: []SpanAttribute{{Name: "env", Literal: "test"}, {Name: "user", Header: "X-User"}, {Name: "query", Key: "url.query"}},
			Headers:    &CertificateRef{Secret: 1, Key: "shop.edge-telemetry", SHA256: "cc33"},
		},
		Settings: sampleSettings(),
	}
}

func sampleSettings() *Settings {
	percent, hops, slow := int32(10), int32(2), int32(500)
	return &Settings{
		LogLevel: LogDebug, AccessLog: &AccessLog{Format: AccessLogJSON, SamplePercent: &percent, SlowMillis: &slow, Fields: []string{"status", "route"}}, TrustedHops: &hops,
		Limits: &ConnectionLimits{MaxConnections: 2000, MaxConnectionsPerPort: 1000},
		Timeouts: &PhaseTimeouts{
			RequestHeadMillis: 5000, RequestBodyIdleMillis: 30000, ResponseIdleMillis: 31000, KeepAliveMillis: 75000,
			TunnelIdleMillis: 600000, BackendConnectMillis: 1000, BackendIdleMillis: 120000, BackendKeepAliveMillis: 45000,
		},
	}
}

func samplePolicy() *Policy {
	return &Policy{
		Algorithm: ConsistentHash,
		Hash:      &HashKey{Source: HashCookie, Name: "session"},
		Ejection:  &Ejection{ConsecutiveErrors: 5, BaseMillis: 2000, MaxMillis: 60000, MaxPercent: 50},
		Check: &HealthCheck{
			Type: CheckHTTP, Path: "/healthz", Host: "cart.internal", Statuses: []StatusRange{{200, 204}}, Port: 8081,
			IntervalMillis: 5000, TimeoutMillis: 1000, Healthy: 1, Unhealthy: 2,
		},
		SlowStartMillis: 30000,
		Limits:          &CircuitLimits{MaxConnections: 100, MaxRequests: 200, MaxPending: -1},
		RetryBudget:     &RetryBudget{Percent: 25, IntervalMillis: 10000, MinPerSecond: 3, MinRetries: 1, MinIntervalMillis: 60000, Refuse: true},
		Zone:            &ZonePreference{MinHealthyPercent: 70},
	}
}
