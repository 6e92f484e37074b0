// Package heap turns the size of the live heap into the pace of the garbage
// collector, so that a proxy with a large configuration does not hold half as much
// again of memory that nobody uses.
package heap
