package proxyproto

import (
	"bytes"
	"net/netip"
	"strconv"
)

// maxV1 is the length of the longest line of version 1, its end included.
const maxV1 = 107

// parseV1 reads the line of version 1, "PROXY TCP4 192.0.2.1 192.0.2.2 1 2" and
// CRLF. There is one space between two fields and nothing else.
func parseV1(b []byte) (Header, int, error) {
	const prefix = "PROXY "
	if n := min(len(b), len(prefix)); string(b[:n]) != prefix[:n] {
		return Header{}, 0, ErrMalformed
	}
	line := b[:min(len(b), maxV1)]
	end := bytes.IndexAny(line, "\r\n")
	switch {
	case end < 0 && len(line) < maxV1:
		return Header{}, 0, ErrIncomplete
	case end < len(prefix), end == maxV1-1, line[end] == '\n':
		return Header{}, 0, ErrMalformed
	case end+1 == len(line):
		return Header{}, 0, ErrIncomplete
	case line[end+1] != '\n':
		return Header{}, 0, ErrMalformed
	}
	h, ok := parseFields(line[len(prefix):end])
	if !ok {
		return Header{}, 0, ErrMalformed
	}
	return h, end + 2, nil
}

// parseFields reads what follows "PROXY ".
func parseFields(b []byte) (Header, bool) {
	family, rest, found := bytes.Cut(b, []byte(" "))
	if string(family) == "UNKNOWN" {
		// Whatever follows is to be ignored.
		return Header{}, true
	}
	is4 := string(family) == "TCP4"
	if !found || !is4 && string(family) != "TCP6" {
		return Header{}, false
	}
	var fields [4][]byte
	for i := range 3 {
		if fields[i], rest, found = bytes.Cut(rest, []byte(" ")); !found {
			return Header{}, false
		}
	}
	fields[3] = rest
	src, ok1 := parseAddress(fields[0], fields[2], is4)
	dst, ok2 := parseAddress(fields[1], fields[3], is4)
	if !ok1 || !ok2 {
		return Header{}, false
	}
	return unmapped(src, dst), true
}

func parseAddress(addr, port []byte, is4 bool) (netip.AddrPort, bool) {
	a, err := netip.ParseAddr(string(addr))
	if err != nil || a.Is4() != is4 || a.Zone() != "" {
		return netip.AddrPort{}, false
	}
	p, ok := parsePort(port)
	return netip.AddrPortFrom(a, p), ok
}

// parsePort reads a number without sign or leading zero.
func parsePort(b []byte) (uint16, bool) {
	if len(b) == 0 || len(b) > 5 || b[0] == '0' && len(b) > 1 {
		return 0, false
	}
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	return uint16(n), n <= 0xffff
}

// AppendV1 appends a header of version 1. Where an address is not valid, it
// says UNKNOWN.
func AppendV1(b []byte, source, destination netip.AddrPort) []byte {
	h := unmapped(source, destination)
	if !h.known() {
		return append(b, "PROXY UNKNOWN\r\n"...)
	}
	b = append(b, "PROXY TCP4 "...)
	if !h.Source.Addr().Is4() {
		b[len(b)-2] = '6'
	}
	b = h.Source.Addr().WithZone("").AppendTo(b)
	b = append(b, ' ')
	b = h.Destination.Addr().WithZone("").AppendTo(b)
	b = appendPort(b, h.Source.Port())
	b = appendPort(b, h.Destination.Port())
	return append(b, "\r\n"...)
}

func appendPort(b []byte, port uint16) []byte {
	return strconv.AppendUint(append(b, ' '), uint64(port), 10)
}
