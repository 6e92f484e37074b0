// Package message reads HTTP/1 requests in three ways: strictly by RFC 9112, as
// net/http does, and as leniently as a careless server might. Bytes on which the
// three agree leave no room for two recipients to differ.
//
// The readers share no code, so that they share no mistake.
package message
