// Package e2e tests Fleetgate on a real Kubernetes, from the outside: objects
// go to the API server, requests to a Gateway's address, and what is asserted
// is what a user would see.
//
// The tests start the test cluster when it is down, and take it down again in
// that case. Each test has namespaces of its own and may run in any order. Those
// that neither measure nor disturb run beside one another, after all others.
package e2e
