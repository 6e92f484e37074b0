// Package variant turns the sources of Fleetgate and an edit of one of them into
// programs that differ from the real ones in that place alone: a version that is yet to
// come, or one with a defect. What is in the repository stays as it is, as the compiler
// is told of another file in the place of the edited one.
package variant
