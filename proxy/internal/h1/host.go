package h1

import (
	"bytes"
	"net/netip"
)

// splitAbsolute takes an absolute-form target apart (RFC 9112, section 3.2.2).
func splitAbsolute(target []byte) (authority, rest []byte, err error) {
	i := bytes.Index(target, []byte("://"))
	if i < 0 || !EqualFold(target[:i], "http") && !EqualFold(target[:i], "https") {
		return nil, nil, ErrTarget
	}
	rest = target[i+3:]
	end := bytes.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	return rest[:end], rest[end:], nil
}

// sameHost compares a Host field with an authority. They must be the same
// (RFC 9112, section 3.2); if not, recipients differ in which of them counts.
func sameHost(host, authority []byte) bool { return bytes.EqualFold(host, authority) }

// normalHost splits a host into name and port and brings the name into lower
// case in place. The port keeps its colon; an empty one is left out.
func normalHost(b []byte) (name, port []byte, err error) {
	if len(b) == 0 {
		// RFC 9110, section 4.2.1: an http URI with an empty host is invalid.
		return nil, nil, ErrHost
	}
	end := len(b)
	if b[0] == '[' {
		end = bytes.IndexByte(b, ']') + 1
		if end == 0 || !isIPv6(b[1:end-1]) {
			return nil, nil, ErrHost
		}
	} else if i := bytes.IndexByte(b, ':'); i >= 0 {
		end = i
	}
	name, port = b[:end], b[end:]
	if !validPort(port) {
		return nil, nil, ErrHost
	}
	if len(port) == 1 {
		port = nil
	}
	for i, c := range name {
		name[i] = lowerByte(c)
	}
	if len(name) > 0 && name[0] == '[' {
		return name, port, nil
	}
	if len(name) > 0 && name[len(name)-1] == '.' {
		name = name[:len(name)-1]
	}
	if !validName(name) {
		return nil, nil, ErrHost
	}
	return name, port, nil
}

func isIPv6(b []byte) bool {
	if len(b) > 45 || bytes.IndexByte(b, '%') >= 0 {
		return false
	}
	a, err := netip.ParseAddr(string(b))
	return err == nil && a.Is6()
}

// validName takes letters, digits, hyphens and underscores in labels that are
// not empty.
func validName(b []byte) bool {
	if len(b) == 0 || len(b) > 253 || !all(b, isHost) || b[0] == '.' || b[len(b)-1] == '.' {
		return false
	}
	return !bytes.Contains(b, []byte(".."))
}

func validPort(b []byte) bool {
	if len(b) <= 1 {
		return len(b) == 0 || b[0] == ':'
	}
	if b[0] != ':' || len(b) > 6 {
		return false
	}
	n := 0
	for _, c := range b[1:] {
		if c < '0' || c > '9' {
			return false
		}
		n = n*10 + int(c-'0')
	}
	return n <= 65535
}
