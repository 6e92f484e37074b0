// Package balance shares requests: a Split among the weighted backends of a
// rule, and a Cluster among the endpoints of one Service port.
//
// A Registry keeps the Clusters by ID. They live on across configurations, and
// an Endpoint keeps its identity as long as its address belongs to the Service,
// so that what one route learned of an endpoint is known to every route and
// outlives every reload.
//
// The package knows nothing of connections: whoever opens one reports with
// Failed and Succeeded how it went.
package balance
