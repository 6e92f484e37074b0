package proxyconfig

// Feature names a part of the contract that a proxy must know to serve a
// document truthfully. What a proxy may refuse item by item, such as a new type
// of filter or protocol, needs no feature: the item alone answers 500.
type Feature = string

// FeatureHTTPRouting is what the first version of v1 holds: HTTP and HTTPS
// listeners, routes with matches, filters and weighted backends, endpoints.
const FeatureHTTPRouting Feature = "http-routing"

// KnownFeatures are those that this version of the package knows.
func KnownFeatures() []Feature {
	return []Feature{FeatureHTTPRouting}
}

// Features returns what a proxy must know to serve c, in a fixed order.
func Features(c *Config) []Feature {
	if len(c.Listeners) == 0 {
		return nil
	}
	return []Feature{FeatureHTTPRouting}
}
