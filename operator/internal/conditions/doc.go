// Package conditions holds what is wrong with a node of the graph, and turns
// it into the conditions of a Kubernetes object's status.
//
// A Problem says which condition it breaks, with which reason and message. It
// knows neither of clients nor of time: Merge takes the moment as an argument,
// and returns a new list instead of changing the one it was given.
package conditions
