package router

// Match is what Find fills in beside the value that it returns.
type Match struct {
	// PrefixLen is the length of the path prefix that matched, without a
	// trailing slash; zero for other kinds of path matches.
	PrefixLen int
}

// Table maps requests to values of type T, by host, path, method, headers and
// query parameters, with the precedence of the Gateway API. It is immutable
// and safe for concurrent use.
type Table[T any] struct{}

// Find returns the value of the most specific match, or the zero T.
func (t *Table[T]) Find(r *Request, m *Match) T {
	var zero T
	return zero
}
