package filter

import (
	"strconv"
	"strings"
)

// Target is where a request goes, for filters that rewrite it or redirect it
// elsewhere.
type Target struct {
	// Scheme is http or https.
	Scheme string
	// Host is in lower case and without a port; ListenerPort is that of the
	// listener.
	Host         []byte
	ListenerPort uint16
	// Path is in normal form; its first PrefixLen bytes were matched by a
	// prefix, which has no trailing slash.
	Path      []byte
	PrefixLen int
	// Query follows a question mark if there is one.
	Query    []byte
	HasQuery bool
}

// AppendPath appends the path of t as p, which may be nil, rewrites it.
func (p *PathRewrite) AppendPath(out []byte, t *Target) []byte {
	switch {
	case p == nil || !p.Full && !p.Prefix:
		return append(out, t.Path...)
	case p.Full:
		return appendRooted(out, p.Value, nil)
	}
	value := p.Value
	rest := t.Path[min(t.PrefixLen, len(t.Path)):]
	if len(rest) > 0 {
		value = strings.TrimRight(value, "/")
	}
	return appendRooted(out, value, rest)
}

// appendRooted appends value and rest as one path, which begins with a slash.
func appendRooted(out []byte, value string, rest []byte) []byte {
	switch {
	case value != "" && value[0] == '/':
	case value == "" && len(rest) > 0 && rest[0] == '/':
	default:
		out = append(out, '/')
	}
	return append(append(out, value...), rest...)
}

// AppendLocation appends the URL that r redirects t to. What r leaves out is
// kept from the request; the port follows HTTPRequestRedirectFilter: that of
// a scheme which is given, else the listener's, and none where it goes without
// saying.
func (r *Redirect) AppendLocation(out []byte, t *Target) []byte {
	scheme, port := t.Scheme, t.ListenerPort
	if r.Scheme != "" {
		scheme, port = r.Scheme, defaultPort(r.Scheme)
	}
	if r.Port != 0 {
		port = r.Port
	}
	out = append(append(out, scheme...), "://"...)
	if r.Hostname != "" {
		out = append(out, r.Hostname...)
	} else {
		out = append(out, t.Host...)
	}
	if port != 0 && port != defaultPort(scheme) {
		out = strconv.AppendUint(append(out, ':'), uint64(port), 10)
	}
	out = r.Path.AppendPath(out, t)
	if t.HasQuery {
		out = append(append(out, '?'), t.Query...)
	}
	return out
}

func defaultPort(scheme string) uint16 {
	switch scheme {
	case "http":
		return 80
	case "https":
		return 443
	}
	return 0
}
