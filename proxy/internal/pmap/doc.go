// Package pmap holds a map of which every version stays as it is: changing some of
// thousands of keys copies what lies around these, and shares all else with the version
// before.
//
// Keys lie in chunks of a few, by their hash, and chunks in pages. A change copies the list
// of pages, of a byte for ten keys, and of each key that it is about the page and the chunk.
package pmap
