package router

// Request is what matching reads of a request. Its slices belong to the caller
// and are not kept.
type Request struct {
	// Host is lower case and without a port.
	Host []byte
	// Path is in normal form and without the query.
	Path []byte
	// Query is the raw query without its question mark.
	Query  []byte
	Method []byte
	// Headers gives access to the header fields; nil has none.
	Headers Headers
}

// Headers finds header fields by name.
type Headers interface {
	// Value returns the value of the named field (lower case name). Several
	// fields of one name are joined by "," (RFC 9110, section 5.3). The slice is
	// valid until the next call.
	Value(name string) ([]byte, bool)
}
