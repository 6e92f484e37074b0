// Package long knows whether tests run in their long form, with the numbers that
// the project claims, and keeps the results of those runs in docs/results. Tests of
// all parts import it, and nothing else does.
package long
