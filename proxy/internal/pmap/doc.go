// Package pmap holds a map of which every version stays as it is: changing some of
// thousands of keys copies what lies around these, and shares all else with the version
// before.
//
// Keys lie in chunks of a few, by their hash. A change copies the list of chunks, of
// some bytes for each key, and the chunks of the keys that it is about.
package pmap
