// Package golden is test support: it reads a file of YAML documents into the
// Resources of one Gateway, as a cluster would hold them, and prints what the
// pipeline makes of them in a form that people can review.
//
// The cases lie in testdata, one folder each, named as a sentence. In a case
// in.yaml is written by hand; the other files are made by running the tests
// with -update, and are to be read before they are committed.
package golden
