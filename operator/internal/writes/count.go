package writes

import "net/http"

// Count has each request that is to change something counted, whatever the answer.
func Count(next http.RoundTripper, count func(Target)) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		if target, writes := TargetOf(request); writes {
			count(target)
		}
		return next.RoundTrip(request)
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }
