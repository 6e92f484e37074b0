// Package router finds what serves a request: it turns entries (a hostname, a
// match and a value) into an immutable Table, and a Request into the value of
// the most specific entry that matches.
//
// # Precedence
//
// The Gateway API orders matches by hostname first, then by path, method,
// number of headers and number of query parameters (HTTPRouteSpec.Hostnames and
// HTTPRouteRule.Matches). A Table has that order built in, so that finding is a
// descent and not a comparison of candidates:
//
//	host      exact name, then wildcards from the longest suffix, then any
//	path      exact, then regular expressions, then prefixes from the longest
//	the rest  a list, sorted by method, headers, query parameters, entry order
//
// A host whose entries do not match falls through to the next less specific
// host, as precedence is among the matches of a request, not among hosts.
//
// Where the Gateway API leaves regular expressions to the implementation, they
// stand between exact paths and prefixes, the longer pattern first: a pattern
// is written to pick something out, and a prefix "/" beside it must not swallow
// it.
//
// Suppose these entries, in this order:
//
//	1  *.example.com  prefix /          → site
//	2  a.example.com  prefix /api       → api
//	3  a.example.com  prefix /api  GET  → read
//
// "GET a.example.com/api/x" has the host a.example.com and its longest prefix
// "/api", whose list is [3 2], as a method is more specific than none: read.
// "POST" there passes over 3: api. "GET a.example.com/x" has no match below
// a.example.com and falls through to *.example.com: site.
//
// The package knows nothing of connections, routes or backends.
package router
