package proxyconfig

// Feature names a part of the contract that a proxy must know to serve a
// document truthfully. What a proxy may refuse item by item, such as a new type
// of filter or protocol, needs no feature: the item alone answers 500.
type Feature = string

// FeatureHTTPRouting is what the first version of v1 holds: HTTP and HTTPS
// listeners, routes with matches, filters and weighted backends, endpoints.
// Listeners of other protocols and the routes that attach to them need no
// feature: a proxy that does not know them refuses the listener.
const FeatureHTTPRouting Feature = "http-routing"

// FeatureTLSOptions are the options of TLS on listeners and on backends. A proxy
// that overlooked them would serve clients without validation, and reach
// backends in plaintext.
const FeatureTLSOptions Feature = "tls-options"

// FeatureProxyProtocol is PROXY protocol headers, accepted or sent. Without them
// a client's bytes would be taken for a header, or a header for them.
const FeatureProxyProtocol Feature = "proxy-protocol"

// FeatureConnectionTLS is TLS towards the backends of routes below HTTP. A proxy
// that overlooked it would send them in plaintext what it decrypted.
const FeatureConnectionTLS Feature = "connection-tls"

// FeatureWrittenHostnames is precedence by the hostnames of routes where their
// listeners leave the same of them. Without it, requests would go to another
// route.
const FeatureWrittenHostnames Feature = "written-hostnames"

// FeatureSessions is session persistence. A proxy that overlooked it would spread
// a client's session over all endpoints.
const FeatureSessions Feature = "sessions"

// FeatureExternalHostnames are backends that have a name in place of endpoints. A
// proxy that overlooked it would serve none of their requests.
const FeatureExternalHostnames Feature = "external-hostnames"

// KnownFeatures are those that this version of the package knows.
func KnownFeatures() []Feature {
	return []Feature{
		FeatureHTTPRouting, FeatureTLSOptions, FeatureProxyProtocol, FeatureConnectionTLS, FeatureWrittenHostnames, FeatureSessions,
		FeatureListenerFilters, FeatureExternalHostnames, FeatureParts, FeatureSuperseded,
	}
}

// Features returns what a proxy must know to serve c, in a fixed order.
func Features(c *Config) []Feature { return TraitsOf(c).features(c) }

// features are those of a configuration that has the traits.
func (t Traits) features(c *Config) []Feature {
	if !t.has(hasListeners) {
		return nil
	}
	features := []Feature{FeatureHTTPRouting}
	for _, known := range []struct {
		needed  bool
		feature Feature
	}{
		{t.has(hasTLSOptions), FeatureTLSOptions},
		{t.has(hasProxyProtocol), FeatureProxyProtocol},
		{t.has(hasConnections|hasSecured) && hasConnectionTLS(c), FeatureConnectionTLS},
		{t.has(hasWritten), FeatureWrittenHostnames},
		{t.has(hasSessions), FeatureSessions},
		{t.has(hasFilters), FeatureListenerFilters},
		{t.has(hasExternal), FeatureExternalHostnames},
	} {
		if known.needed {
			features = append(features, known.feature)
		}
	}
	return features
}

// hasConnectionTLS says whether one of the routes leads to one of the backends that make
// hasConnections and hasSecured.
func hasConnectionTLS(c *Config) bool {
	secured := make(map[string]bool)
	for i := range c.Backends {
		if c.Backends[i].TLS != nil {
			secured[c.Backends[i].ID] = true
		}
	}
	return contains(c.Routes, func(r *Route) bool {
		return r.IsL4() && contains(r.Rules, func(rule *Rule) bool {
			return contains(rule.Backends, func(ref *BackendRef) bool { return secured[ref.Backend] })
		})
	})
}

// contains is slices.ContainsFunc without a copy of each element: rules are large.
func contains[T any](list []T, is func(*T) bool) bool {
	for i := range list {
		if is(&list[i]) {
			return true
		}
	}
	return false
}
