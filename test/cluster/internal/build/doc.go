// Package build compiles the cluster's components from the Go modules below
// test/cluster/components and keeps the binaries in the user's cache folder.
//
// A component's binaries live in a folder named by a hash of all that
// determines them: its module files and sources, the flags and the Go version.
// Whoever finds the folder finds it whole: it is filled under another name and
// then renamed.
package build
