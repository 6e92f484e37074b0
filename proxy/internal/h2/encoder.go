package h2

import "github.com/fleetgate/fleetgate/proxy/internal/h1"

// Header blocks are written without a dynamic table and without Huffman coding:
// there is no state to hold for an idle connection, nothing to look up for each
// field, and no time spent on saving a few bytes of an answer. The first block
// says so to the peer, whose table then stays empty.

// emptyTable is a change of the dynamic table's size to zero.
const emptyTable = 0x20

// The first octets of representations and the bits of their prefixes.
const (
	asIndexed      = 0x80
	asLiteral      = 0x00
	asNeverIndexed = 0x10
)

// The indices of the pseudo-header fields in the static table.
const (
	indexAuthority = 1
	indexGET       = 2
	indexPath      = 4
	indexHTTP      = 6
	indexHTTPS     = 7
	indexStatus    = 8
)

func appendInt(out []byte, first byte, bits uint8, n int) []byte {
	limit := 1<<bits - 1
	if n < limit {
		return append(out, first|byte(n))
	}
	out = append(out, first|byte(limit))
	for n -= limit; n >= 0x80; n >>= 7 {
		out = append(out, byte(n)|0x80)
	}
	return append(out, byte(n))
}

func appendString(out, s []byte) []byte {
	return append(appendInt(out, 0, 7, len(s)), s...)
}

// appendIndexed appends a literal whose name is that of an entry of the static
// table. Credentials are marked as never to be put into a table, as a peer may
// pass them on (RFC 7541, section 7.1.3).
func appendIndexed(out []byte, i int, value []byte) []byte {
	first := byte(asLiteral)
	switch string(staticTable[i].name) {
	case "authorization", "cookie", "proxy-authorization", "set-cookie":
		first = asNeverIndexed
	}
	return appendString(appendInt(out, first, 4, i), value)
}

// appendField appends a field, its name in lower case.
func appendField(out, name, value []byte) []byte {
	if len(name) < len(staticNames) {
		for _, i := range staticNames[len(name)] {
			if h1.EqualFold(name, string(staticTable[i].name)) {
				return appendIndexed(out, int(i), value)
			}
		}
	}
	out = appendInt(append(out, asLiteral), 0, 7, len(name))
	for _, c := range name {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		out = append(out, c)
	}
	return appendString(out, value)
}

func appendStatus(out []byte, status int) []byte {
	digits := [3]byte{byte('0' + status/100), byte('0' + status/10%10), byte('0' + status%10)}
	for i := indexStatus; string(staticTable[i].name) == ":status"; i++ {
		if string(staticTable[i].value) == string(digits[:]) {
			return append(out, asIndexed|byte(i))
		}
	}
	return appendIndexed(out, indexStatus, digits[:])
}

// appendPseudo appends a pseudo-header field, indexed if one of the two entries
// that begin at i has this value.
func appendPseudo(out []byte, i int, value []byte) []byte {
	for j := i; j < i+2; j++ {
		if string(staticTable[j].value) == string(value) {
			return append(out, asIndexed|byte(j))
		}
	}
	return appendIndexed(out, i, value)
}

func appendTarget(out []byte, t *h1.Target) []byte {
	out = appendPseudo(out, indexGET, t.Method)
	out = appendPseudo(out, indexHTTP, t.Scheme)
	out = appendIndexed(out, indexAuthority, t.Authority)
	out = appendPseudo(out, indexPath, t.Path)
	if len(t.Protocol) > 0 {
		out = appendField(out, []byte(":protocol"), t.Protocol)
	}
	return out
}
