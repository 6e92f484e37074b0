package filter

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/h1"
)

// defaultMaxAge is the Gateway API's, in seconds.
const defaultMaxAge = 5

// CORS is a compiled CORS filter (Gateway API, HTTPCORSFilter; Fetch standard,
// section 3.2). It is immutable.
type CORS struct {
	// anyOrigin stands for "*"; origins are the others.
	anyOrigin   bool
	origins     []origin
	credentials bool
	methods     allowed
	headers     allowed
	// expose and maxAge are complete field lines; expose may be empty.
	expose, maxAge string
}

// allowed is a list that a preflight's answer names.
type allowed struct {
	// line is a complete field line, or empty where the list is.
	line string
	// any is set for "*". With credentials a browser takes "*" literally, so that
	// what it asked for is repeated instead.
	any bool
}

// CORSRequest is what of a request matters for CORS. What is absent is nil.
type CORSRequest struct {
	Method, Origin []byte
	// RequestMethod and RequestHeaders are the values of
	// Access-Control-Request-Method and -Headers.
	RequestMethod, RequestHeaders []byte
}

func compileCORS(in *proxyconfig.CORS) *CORS {
	c := &CORS{
		credentials: in.AllowCredentials,
		methods:     compileAllowed("Access-Control-Allow-Methods: ", in.AllowMethods, in.AllowCredentials),
		headers:     compileAllowed("Access-Control-Allow-Headers: ", in.AllowHeaders, in.AllowCredentials),
		// With credentials "*" would be the name of a field and not all of them.
		expose: compileAllowed("Access-Control-Expose-Headers: ", in.ExposeHeaders, in.AllowCredentials).line,
	}
	for _, o := range in.AllowOrigins {
		if o == "*" {
			c.anyOrigin = true
			continue
		}
		c.origins = append(c.origins, compileOrigin(o))
	}
	age := int(in.MaxAgeSeconds)
	if age == 0 {
		age = defaultMaxAge
	}
	c.maxAge = "Access-Control-Max-Age: " + strconv.Itoa(age) + "\r\n"
	return c
}

func compileAllowed(field string, names []string, credentials bool) allowed {
	switch {
	case len(names) == 0:
		return allowed{}
	case slices.Contains(names, "*") && credentials:
		return allowed{any: true}
	case slices.Contains(names, "*"):
		return allowed{line: field + "*\r\n"}
	}
	return allowed{line: field + strings.Join(names, ", ") + "\r\n"}
}

// Preflight says whether the request asks for leave to send another. It is
// answered 204 with what AppendTo adds, and no backend sees it.
func (r *CORSRequest) Preflight() bool {
	return string(r.Method) == "OPTIONS" && len(r.Origin) != 0 && len(r.RequestMethod) != 0
}

// AppendTo appends to out the field lines, "Name: value\r\n" each, that the
// response to r gets. A response to an origin that is not allowed gets none of
// the CORS protocol's, and the browser withholds it.
func (c *CORS) AppendTo(out []byte, r *CORSRequest) []byte {
	if !c.anyOrigin || c.credentials {
		// What is said depends on who asks, which a cache must know.
		out = append(out, "Vary: Origin\r\n"...)
	}
	if !c.allows(r.Origin) {
		return out
	}
	if c.anyOrigin && !c.credentials {
		out = append(out, "Access-Control-Allow-Origin: *\r\n"...)
	} else {
		out = appendLine(out, "Access-Control-Allow-Origin: ", r.Origin)
	}
	if c.credentials {
		out = append(out, "Access-Control-Allow-Credentials: true\r\n"...)
	}
	// Browsers look for it in the response itself; the Gateway API's conformance asks
	// for it here as well.
	out = append(out, c.expose...)
	if !r.Preflight() {
		return out
	}
	out = c.methods.appendTo(out, "Access-Control-Allow-Methods: ", r.RequestMethod)
	out = c.headers.appendTo(out, "Access-Control-Allow-Headers: ", r.RequestHeaders)
	return append(out, c.maxAge...)
}

// Drops reports whether a field of the backend's response gives way to the
// filter: two answers to one question would be none. It implements h1.Dropper.
func (c *CORS) Drops(name []byte) bool {
	const prefix = "access-control-"
	if len(name) < len(prefix) || !h1.EqualFold(name[:len(prefix)], prefix) {
		return false
	}
	switch rest := name[len(prefix):]; {
	case h1.EqualFold(rest, "allow-origin"), h1.EqualFold(rest, "allow-credentials"), h1.EqualFold(rest, "allow-methods"),
		h1.EqualFold(rest, "allow-headers"), h1.EqualFold(rest, "expose-headers"), h1.EqualFold(rest, "max-age"):
		return true
	}
	return false
}

// appendTo repeats what was asked for only where it is a list of tokens: it goes
// into a response.
func (a *allowed) appendTo(out []byte, field string, asked []byte) []byte {
	if a.any && isTokens(asked) {
		return appendLine(out, field, asked)
	}
	return append(out, a.line...)
}

func appendLine(out []byte, field string, value []byte) []byte {
	out = append(out, field...)
	out = append(out, value...)
	return append(out, "\r\n"...)
}

// isTokens accepts a list such as "x-a, x-b" (RFC 9110, section 5.6.1).
func isTokens(list []byte) bool {
	for _, c := range list {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case bytes.IndexByte([]byte("!#$%&'*+-.^_`|~, \t"), c) >= 0:
		default:
			return false
		}
	}
	return len(list) != 0
}

func (c *CORS) allows(o []byte) bool {
	if len(o) == 0 || !isOrigin(o) {
		return false
	}
	if c.anyOrigin {
		return true
	}
	scheme, host, port, ok := splitOrigin(o)
	if !ok {
		return false
	}
	for i := range c.origins {
		if c.origins[i].matches(scheme, host, port) {
			return true
		}
	}
	return false
}
