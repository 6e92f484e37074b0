// Package graph turns the Resources of one Gateway into a Graph: validated,
// and connected from the Gateway over its listeners, routes and rules down to
// the endpoints.
//
// A bad object is never an error here. What is wrong with it is a Problem on
// the smallest node that it spoils: one rule, one listener, one certificate,
// one backend reference. Everything beside it stays as it is. Which conditions
// that makes is up to package status; what a proxy does with it is up to
// package render.
//
// The package does no I/O, keeps no state, and does not change the objects
// that it reads. The nodes point into them, so they live as long as the Graph.
package graph
