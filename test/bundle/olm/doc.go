// Package olm has the types of what OLM reads of a bundle.
package olm
