package e2e

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"
	gatewayxv1alpha1 "sigs.k8s.io/gateway-api/apisx/v1alpha1"

	"github.com/fleetgate/fleetgate/test/cluster/client"
)

func TestXBackendsSelectPodsAndLeadNowhereForbidden(t *testing.T) {
	t.Parallel()
	s := newTenant(t, "xbackend")
	s.apply("gateway", nil)
	s.apply("xbackends", map[string]any{"Nowhere": "nowhere." + s.namespace + ".svc." + client.OutsideDomain})
	for _, version := range []string{"v1", "v2"} {
		s.apply("backend", map[string]any{"Name": version, "Replicas": 1})
	}
	for _, name := range []string{"pods", "loopback", "inside", "nowhere"} {
		s.apply("xroute", map[string]any{"XBackend": name})
	}
	for _, version := range []string{"v1", "v2"} {
		s.waitBackend(version)
		s.labelPods(version, "serves=yes")
	}
	s.waitProgrammed()

	s.waitXBackend("pods", metav1.ConditionTrue, "Accepted")
	s.waitSelector("pods")
	http1 := newConnections()
	for _, version := range []string{"v1", "v2"} {
		wait(t, func(ctx context.Context) error {
			r, err := s.ask(ctx, http1, question{host: "pods.example.com"})
			if err == nil && r.Version != version {
				err = fmt.Errorf("status %d of %q, want %s once", r.Status, r.Version, version)
			}
			return err
		})
	}
	s.labelPods("v2", "serves-")
	s.waitAll(question{host: "pods.example.com"}, func(r reply) error {
		if r.Status != http.StatusOK || r.Version != "v1" {
			return fmt.Errorf("status %d of %q, want v1, as v2 is not selected any more", r.Status, r.Version)
		}
		return nil
	})

	s.waitXBackend("loopback", metav1.ConditionTrue, "Accepted")
	for name, reason := range map[string]string{"loopback": "ForbiddenBackend", "nowhere": "HostnameNotFound"} {
		s.waitFor(name+".example.com", "/", answer{Status: http.StatusServiceUnavailable})
		s.wantText("xbackend/"+name, `{.status.ancestors[0].conditions[?(@.type=="fleetgate.io/Unresolved")]['status','reason']}`, "True "+reason)
	}
	s.waitXBackend("inside", metav1.ConditionFalse, "Invalid")
	s.wantRoute("inside", "ResolvedRefs", metav1.ConditionFalse, "InvalidXBackend")
	s.waitFor("inside.example.com", "/", answer{Status: http.StatusInternalServerError})
}

// labelPods sets or removes a label of a backend's pods, as kubectl writes it.
func (s *tenantSpace) labelPods(backend, label string) {
	s.t.Helper()
	if _, err := cluster.Kubectl(s.t.Context(), "label", "pods", "--overwrite", "-n", s.namespace, "-l", "app="+backend, label); err != nil {
		s.t.Fatal(err)
	}
}

// waitXBackend waits for what the tenant's Gateway says of an XBackend.
func (s *tenantSpace) waitXBackend(name string, status metav1.ConditionStatus, reason string) {
	s.t.Helper()
	wait(s.t, func(ctx context.Context) error {
		var backend gatewayxv1alpha1.XBackend
		if err := cluster.Client.Get(ctx, ctrlclient.ObjectKey{Namespace: s.namespace, Name: name}, &backend); err != nil {
			return err
		}
		for _, a := range backend.Status.Ancestors {
			if a.AncestorRef.Name == "web" {
				return hasReason(a.Conditions, "Accepted", status, reason, backend.Generation)
			}
		}
		return fmt.Errorf("XBackend %s has no status for the Gateway", name)
	})
}

// waitSelector waits for the one Service by which the pods of an XBackend are
// found. It has no address, and is gone with the XBackend.
func (s *tenantSpace) waitSelector(xbackend string) {
	s.t.Helper()
	wait(s.t, func(ctx context.Context) error {
		var list corev1.ServiceList
		err := cluster.Client.List(ctx, &list, ctrlclient.InNamespace(s.namespace), ctrlclient.MatchingLabels{"fleetgate.io/xbackend": xbackend})
		if err != nil {
			return err
		}
		if len(list.Items) != 1 {
			return fmt.Errorf("%d Services select the pods of XBackend %s, want 1", len(list.Items), xbackend)
		}
		service := &list.Items[0]
		owner := metav1.GetControllerOf(service)
		if service.Spec.ClusterIP != corev1.ClusterIPNone || owner == nil || owner.Kind != "XBackend" || owner.Name != xbackend {
			return fmt.Errorf("the Service %s has address %q and owner %+v", service.Name, service.Spec.ClusterIP, owner)
		}
		return nil
	})
}
