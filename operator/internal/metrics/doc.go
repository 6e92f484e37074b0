// Package metrics holds the operator's own metrics, all of them named
// fleetgate_operator_*. Those of controllers, queues and API calls come from
// the libraries below and are registered beside them.
package metrics
