// Package view makes a list of objects readable through client.Reader, with
// the field indexes of an informer cache, so that code written for a cluster
// reads a folder without knowing.
//
// A View is immutable; a change of the objects makes a new one.
package view
