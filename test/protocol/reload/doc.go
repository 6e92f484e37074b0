// Package reload changes the configuration of a proxy that is under load, again and
// again: no request may fail of it, and whatever begins after a change has to see it.
package reload
