// Package controller connects the pipeline to a cluster: it decides when a
// Gateway is looked at, and carries out what the pure packages ask for.
//
// The unit of work is one Gateway. Everything that changes is traced to the
// Gateways that it touches, and each of these is collected, translated and
// compared on its own, several of them at a time. What users wait for comes
// first: the configuration is stored before objects and status are compared.
// The status of routes is written by workers of its own, so that a thousand of
// them are not in the way of the next change.
//
// What is wrong with an object becomes a condition, by package status. Here a
// translation that panics becomes one too, and the process goes on.
package controller
