// Package leak holds the proxy to giving back what connections have cost it,
// however and whenever they end, and to what it may hold while they last:
// descriptors, goroutines, anonymous memory.
package leak
