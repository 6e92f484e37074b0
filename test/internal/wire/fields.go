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
