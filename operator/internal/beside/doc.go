// Package beside keeps what was made of the nodes of an ordered list until the next such
// list, most of whose nodes are the same. It goes through both at once, so that a node
// costs a comparison of two pointers, and nothing is looked up.
package beside
