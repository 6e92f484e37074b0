package wire

import "golang.org/x/net/http2/hpack"

// Fields makes header fields of names and values in turn.
func Fields(pairs ...string) []hpack.HeaderField {
	if len(pairs)%2 != 0 {
		panic("wire: a name without a value")
	}
	fields := make([]hpack.HeaderField, 0, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		fields = append(fields, hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]})
	}
	return fields
}

// Request returns the pseudo-header fields of a request by http, followed by
// other fields.
func Request(method, authority, path string, pairs ...string) []hpack.HeaderField {
	head := Fields(":method", method, ":scheme", "http", ":authority", authority, ":path", path)
	return append(head, Fields(pairs...)...)
}

// Get returns the first value of the named field, and "" when there is none.
func Get(fields []hpack.HeaderField, name string) string {
	for _, f := range fields {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

// Block returns the header block of the fields, as they are. All are literals
// without indexing (RFC 7541, section 6.2.2), so that no block depends on those
// that were sent before.
func Block(fields ...hpack.HeaderField) []byte {
	var block []byte
	for _, f := range fields {
		block = append(block, 0)
		block = appendString(block, f.Name)
		block = appendString(block, f.Value)
	}
	return block
}

// appendString appends a string literal that is not Huffman-coded, after its
// length as an integer with a prefix of seven bits (RFC 7541, section 5).
func appendString(block []byte, s string) []byte {
	const full = 1<<7 - 1
	rest := len(s)
	if rest < full {
		return append(append(block, byte(rest)), s...)
	}
	block = append(block, full)
	for rest -= full; rest >= 1<<7; rest >>= 7 {
		block = append(block, byte(rest)|1<<7)
	}
	return append(append(block, byte(rest)), s...)
}
