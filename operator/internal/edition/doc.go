// Package edition tells the configurations of one Gateway from each other, so that who
// stores one need not compare all of it with the one before, and has the orders by which
// their items are found and replaced.
package edition
