// Package balance shares requests: a Split among the weighted backends of a
// rule, and a Cluster among the endpoints of one Service port.
//
// A Registry keeps the Clusters by ID. They live on across configurations, and
// an Endpoint keeps its identity as long as its address belongs to the Service,
// so that what one route learned of an endpoint is known to every route and
// outlives every reload, a change of policy included.
//
// Choose picks an endpoint by the policy of the backend. What it knows of
// endpoints it is told: Begin and End frame an attempt, Begin and EndSession a
// session below HTTP, Failed and Succeeded say how opening a connection went,
// SetHealthy and Readmit what a probe found. All of these may be called from many
// loops at once, and none waits for another but where an endpoint is taken out or
// in. Clocks and random numbers are the caller's.
//
//	e, refusal := cluster.Choose(&request)  // 503 where refused
//	if !e.Connect() { ... }                 // 503: too many connections
//	e.Succeeded() or e.Failed(now), and at the end e.Disconnected()
//	e.Begin(); ...; e.End(began, now, balance.Answered)
//	e.Begin(); e.Reached(began, now); ...; e.EndSession(now, balance.Answered)
//	if rule.Retry != nil && cluster.AllowRetry(now) { ...; cluster.RetryDone() }
//
// The package opens no connection, and knows of protocols only whether there are
// any connections to open.
package balance
