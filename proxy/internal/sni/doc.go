// Package sni reads the first message of a TLS client, without taking part in
// the session: which server it wants to reach (RFC 6066, section 3) and which
// protocols it offers to speak there (RFC 7301).
//
// It turns bytes into a Hello, however they are cut into records and segments.
// It knows of no connections.
package sni
