// Package recorder is a backend that keeps every byte that reaches it, and
// answers as it is told, byte by byte. It frames requests by the strict reader of
// package message alone: what that one refuses is itself what tests look for.
package recorder
