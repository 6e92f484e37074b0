package controller

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/cluster"
)

// A cache that shows an older version is behind, unless it is of another object or has had
// its time: then the cluster was restored from a backup.
func TestACacheIsBelievedInTheEnd(t *testing.T) {
	now := time.Unix(1e9, 0)
	v := newVersions(Options{Now: func() time.Time { return now }}, nil)
	at := func(name string, uid types.UID, version string) *gatewayv1.HTTPRoute {
		return &gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{Namespace: "tenant", Name: name, UID: uid, ResourceVersion: version}}
	}
	v.wrote(at("web", "a", "100"))
	for _, tt := range []struct {
		cached *gatewayv1.HTTPRoute
		after  time.Duration
		want   bool
	}{
		{at("web", "a", "99"), 0, true},
		{at("web", "a", "99"), cluster.Lag, true},
		{at("web", "a", "99"), cluster.Lag + 1, false},
		{at("web", "a", "100"), 0, false},
		{at("web", "a", "101"), 0, false},
		{at("web", "b", "99"), 0, false},
		{at("other", "a", "99"), 0, false},
	} {
		now = time.Unix(1e9, 0).Add(tt.after)
		if got := v.outdated(tt.cached); got != tt.want {
			t.Errorf("%s %s at version %s, %v later: outdated is %t", tt.cached.Name, tt.cached.UID, tt.cached.ResourceVersion, tt.after, got)
		}
	}
	// Twice that time later, nothing is kept of it.
	for range 2 {
		now = now.Add(cluster.Lag + 1)
		v.wrote(at("other", "c", "200"))
	}
	if n := v.last.size(); n != 2 {
		t.Errorf("%d versions are kept", n)
	}
}
