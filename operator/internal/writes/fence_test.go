package writes

import (
	"errors"
	"net/http"
	"testing"
	"time"
)

const (
	leases  = "/apis/coordination.k8s.io/v1/namespaces/fleetgate-system/leases"
	lease   = leases + "/ours"
	service = "/api/v1/namespaces/shop/services/web"
)

// server answers all requests alike.
type server struct {
	status int
	err    error
}

func (s *server) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: s.status, Body: http.NoBody}, s.err
}

func TestFence(t *testing.T) {
	now := time.Unix(1e9, 0)
	api := &server{status: http.StatusOK}
	fenced := NewFence("ours", 15*time.Second, func() time.Time { return now }).Wrap(api)
	for _, step := range []struct {
		what, method, path string
		wait               time.Duration
		status             int
		refused            bool
	}{
		{"reading before it leads", "GET", service, 0, 200, false},
		{"writing before it leads", "PATCH", service, 0, 200, true},
		{"asking who somebody is", "POST", "/apis/authentication.k8s.io/v1/tokenreviews", 0, 201, false},
		{"which makes it no leader", "PATCH", service, 0, 200, true},
		{"another lease", "PUT", leases + "/theirs", 0, 200, false},
		{"which makes it no leader", "PATCH", service, 0, 200, true},
		{"making the lease", "POST", leases, 0, 201, false},
		{"writing as leader", "PATCH", service, 14 * time.Second, 200, false},
		{"renewing the lease", "PUT", lease, 0, 200, false},
		{"writing long after", "DELETE", service, 14 * time.Second, 200, false},
		{"renewing in vain", "PUT", lease, 0, 409, false},
		{"writing as it is over", "DELETE", service, time.Second, 200, true},
		{"reading as it is over", "GET", service, 0, 200, false},
		{"having the lease again", "PUT", lease, 0, 200, false},
		{"writing again", "POST", "/api/v1/namespaces/shop/services", 0, 201, false},
	} {
		now, api.status = now.Add(step.wait), step.status
		response, err := fenced.RoundTrip(request(t, step.method, step.path))
		if refused := errors.Is(err, ErrFenced); refused != step.refused || !refused && response.StatusCode != step.status {
			t.Errorf("%s: %v", step.what, err)
		}
	}
}

// A renewal counts from when it was asked for: whoever answers may have taken his time.
func TestASlowRenewalIsAnOldOne(t *testing.T) {
	now := time.Unix(1e9, 0)
	slow := roundTripper(func(*http.Request) (*http.Response, error) {
		now = now.Add(10 * time.Second)
		return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
	})
	fenced := NewFence("ours", 15*time.Second, func() time.Time { return now }).Wrap(slow)
	for i, want := range []bool{false, true} {
		if i == 0 {
			if _, err := fenced.RoundTrip(request(t, "PUT", lease)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := fenced.RoundTrip(request(t, "PATCH", service)); errors.Is(err, ErrFenced) != want {
			t.Errorf("%v after the renewal was asked for: %v", now.Sub(time.Unix(1e9, 0)), err)
		}
	}
}
