// Package app puts the proxy together: configuration lanes, coordinator,
// engine, metrics, access log, probe and the proxy's own ports. It owns the
// order in which they start and stop, and nothing else.
//
// Start: the health port first, so that a process that lives says so; then the
// configuration that is at hand in files, so that a proxy serves before it has
// spoken to anybody; then the lanes that follow changes.
//
// Stop: unready first, then drain while the configuration is still followed,
// for endpoints go on changing; then everything else, in the order in which one
// feeds the other.
package app
