// Package app is the operator as a whole: a manager with its leader election,
// health probes and secured metrics, and in it the controllers. It is started
// by main with Options, and in tests likewise; signals are main's.
package app
