package balance

// Split shares requests among items in proportion to their weights. It is
// safe for concurrent use.
type Split[T any] struct {
	items []T
}
