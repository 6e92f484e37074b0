// Package heap turns the size of the live heap into the pace of the garbage
// collector, so that a program with a large configuration does not hold as much again of
// memory that nobody uses. It knows nothing of the programs, which say what pace they can
// afford.
package heap
