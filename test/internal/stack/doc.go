// Package stack turns a machine into one on which Fleetgate runs on a real
// Kubernetes: it starts the test cluster when it is down, builds the programs
// and their images, and installs them as config/default does.
//
// Tests, the demo and the conformance suite all begin with Up. What is there
// already is kept, so the second call takes a few seconds.
package stack
