// Package check judges a bundle as those do that take it: the registry by its
// format, OLM and its successor by what they install, the hub and its pipeline
// by what they show, the scorecard by what users are told, and good practice.
//
// A bundle goes in as files, and problems come out; nothing is read or written.
// Each rule has a name, and is an error or a warning as it is to the tool whose
// rule it is. Upgrade compares the CRDs of two versions in the same way.
package check
