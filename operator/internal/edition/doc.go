// Package edition tells the configurations of one Gateway from each other, so that who
// stores one need not compare all of it with the one before.
package edition
