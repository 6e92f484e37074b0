package filter

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/fleetgate/fleetgate/proxy/internal/h1"
)

// origin is one allowed origin.
type origin struct {
	scheme string
	port   uint16
	// host is lower case. With wildcard set it is what the request's host ends
	// in, its dot included; empty for any host.
	host     string
	wildcard bool
}

// compileOrigin takes an origin that passed validation.
func compileOrigin(s string) origin {
	scheme, host, _ := strings.Cut(s, "://")
	o := origin{scheme: scheme, port: defaultPort(scheme)}
	host, port, ok := strings.Cut(host, ":")
	if ok {
		n, _ := strconv.ParseUint(port, 10, 16)
		o.port = uint16(n)
	}
	o.host, o.wildcard = strings.CutPrefix(strings.ToLower(host), "*")
	return o
}

func (o *origin) matches(scheme string, host []byte, port uint16) bool {
	if scheme != o.scheme || port != o.port {
		return false
	}
	if !o.wildcard {
		return h1.EqualFold(host, o.host)
	}
	// The wildcard stands for a label at least.
	return len(host) > len(o.host) && h1.EqualFold(host[len(host)-len(o.host):], o.host)
}

// splitOrigin takes an Origin field of a scheme, a host and perhaps a port
// apart. "null" and origins of other schemes have no such parts.
func splitOrigin(o []byte) (scheme string, host []byte, port uint16, ok bool) {
	switch {
	case bytes.HasPrefix(o, []byte("https://")):
		scheme, host = "https", o[len("https://"):]
	case bytes.HasPrefix(o, []byte("http://")):
		scheme, host = "http", o[len("http://"):]
	default:
		return "", nil, 0, false
	}
	port = defaultPort(scheme)
	// The last colon, for an IPv6 address has others within its brackets.
	if i := bytes.LastIndexByte(host, ':'); i >= 0 && host[len(host)-1] != ']' {
		if port, ok = parsePort(host[i+1:]); !ok {
			return "", nil, 0, false
		}
		host = host[:i]
	}
	return scheme, host, port, len(host) > 0 && !bytes.ContainsAny(host, "/?#@")
}

func parsePort(digits []byte) (uint16, bool) {
	n := 0
	for _, c := range digits {
		if c < '0' || c > '9' || n > 65535 {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return uint16(n), n >= 1 && n <= 65535
}

// isOrigin says whether o may be written into a response: an origin is one word
// of visible ASCII (RFC 6454, section 7.1).
func isOrigin(o []byte) bool {
	for _, c := range o {
		if c <= ' ' || c >= 0x7f || c == ',' {
			return false
		}
	}
	return true
}
