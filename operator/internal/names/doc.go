// Package names holds the name of everything that the operator creates for a
// Gateway, and the values of the labels that it puts on it. It turns the names
// of a Gateway and its class into them. Of what others create it knows one object
// that has the same name in every cluster, and nothing else.
package names
