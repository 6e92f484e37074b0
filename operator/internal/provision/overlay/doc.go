// Package overlay applies the overlays of GatewayParameters to the objects of a fleet,
// and refuses those that would take something from others or give the fleet a
// privilege.
//
// The patch itself is not judged: an object can be brought into one state in many ways.
// It is applied to a copy, and the guard compares the outcome with what was there
// before. Each overlay is granted as a whole or not at all, so that nobody runs on half
// of what he wrote, and whatever the patches of a list are, each starts from a state
// that was allowed.
package overlay
