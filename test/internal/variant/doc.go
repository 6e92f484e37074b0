// Package variant turns the sources of Fleetgate and edits of some of them into programs
// that differ from the real ones in these places alone: a version that is yet to come, or
// one with a defect. What is in the repository stays as it is, as the compiler is told of
// other files in the places of the edited ones.
package variant
