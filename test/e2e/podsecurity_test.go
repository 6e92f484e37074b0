package e2e

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/fleetgate/fleetgate/test/internal/scrape"
	"github.com/fleetgate/fleetgate/test/internal/tenant"
)

// Namespaces that take nothing but confined pods get fleets that are, whose sensors
// measure requests by themselves. What takes the kernel to know, the agent of their
// node counts for them, for each its own.
func TestNamespacesThatRestrictTheirPodsGetFleets(t *testing.T) {
	t.Parallel()
	busy, quiet := newTenant(t, "restricted"), newTenant(t, "restricted-quiet")
	var long longAnswers
	for _, s := range []*tenantSpace{busy, quiet} {
		s.restrict()
		s.apply("gateway", nil)
		s.serve(server{name: "shop", port: 8080, handler: long.ServeHTTP})
		s.route("shop", "shop.example.com", "steady", "shop")
	}
	for _, s := range []*tenantSpace{busy, quiet} {
		s.waitProgrammed()
		s.wantConfined()
		s.wantText("gateway/web", `{.status.conditions[?(@.type=="Programmed")].message}`,
			"the sensors run without capabilities", "the agents of their nodes count connections for them")
		s.waitForAgents()
	}
	busy.waitFor("shop.example.com", "/", answer{Status: http.StatusNoContent, Mark: "steady"})
	busy.waitCounted()
	busy.waitConnections()
	busy.waitOpenBytes(&long)
	// An agent that goes is missed by nobody, and its successor is found.
	replaceAgent(t, 2*fleetSize)
	for _, s := range []*tenantSpace{busy, quiet} {
		s.waitForAgents()
		s.wantUndisturbed()
	}
	for _, labels := range []scrape.Labels{{"listener": "http"}, {"backend": quiet.namespace + "/shop:8080"}, {"backend": busy.namespace + "/shop:8080"}} {
		if n := quiet.connections(labels); n > 0 {
			t.Errorf("the sensors of %s, which serves nobody, tell of %v connections of %v", quiet.namespace, n, labels)
		}
	}
}

// restrict has the API server refuse every pod that is not confined.
func (s *tenantSpace) restrict() {
	s.t.Helper()
	s.kubectl("label", "namespace", s.namespace, "pod-security.kubernetes.io/enforce=restricted")
	if _, err := cluster.Kubectl(s.t.Context(), "run", "loose", "--image=fleetgate.io/echo:v0.1.0", "-n", s.namespace); err == nil {
		s.t.Fatal("a pod that is not confined was admitted")
	}
}

// wantConfined looks at the pods as they were admitted.
func (s *tenantSpace) wantConfined() {
	s.t.Helper()
	pods, err := s.gateway.Pods(s.t.Context())
	if err != nil || len(pods) == 0 {
		s.t.Fatalf("%d pods, error %v", len(pods), err)
	}
	var names []string
	for _, container := range pods[0].Spec.Containers {
		names = append(names, container.Name)
		context := container.SecurityContext
		switch {
		case context == nil || context.Capabilities == nil:
			s.t.Errorf("%s has no security context", container.Name)
		case len(context.Capabilities.Add) > 0 || !slices.Equal(context.Capabilities.Drop, []corev1.Capability{"ALL"}):
			s.t.Errorf("%s has capabilities %+v", container.Name, *context.Capabilities)
		case context.RunAsNonRoot == nil || !*context.RunAsNonRoot || context.ReadOnlyRootFilesystem == nil || !*context.ReadOnlyRootFilesystem:
			s.t.Errorf("%s may be root, or write to its image: %+v", container.Name, *context)
		}
	}
	if !slices.Equal(names, []string{"proxy", "sensor"}) {
		s.t.Errorf("containers %v", names)
	}
	for _, volume := range pods[0].Spec.Volumes {
		if volume.HostPath != nil {
			s.t.Errorf("volume %s is of the host", volume.Name)
		}
	}
}

// waitCounted waits until the sensors have counted a request.
func (s *tenantSpace) waitCounted() {
	s.t.Helper()
	http1 := cluster.HTTPClient()
	wait(s.t, func(ctx context.Context) error {
		if _, err := s.get(ctx, http1, "shop.example.com", "/"); err != nil {
			return err
		}
		samples, err := s.gateway.Scrape(ctx, http1, tenant.SensorMetrics)
		if err != nil {
			return err
		}
		for _, sample := range samples {
			if sample.Sum("fleetgate_requests_total", nil) > 0 {
				return nil
			}
		}
		return errors.New("no sensor has counted a request")
	})
}
