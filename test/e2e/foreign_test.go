package e2e

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// inTheWay are objects of somebody else's with the very names of a fleet's.
const inTheWay = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web-fleetgate
  namespace: {{.Namespace}}
  labels: {app.kubernetes.io/managed-by: fleetgate}
spec:
  replicas: 0
  selector: {matchLabels: {app: mine}}
  template:
    metadata: {labels: {app: mine}}
    spec: {containers: [{name: mine, image: fleetgate.io/echo:v0.1.0}]}
---
apiVersion: v1
kind: Service
metadata: {name: web-fleetgate, namespace: {{.Namespace}}}
spec:
  selector: {app: mine}
  ports: [{port: 80}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web-fleetgate-config, namespace: {{.Namespace}}}
data: {mine: "yes"}
`

// What stands where a fleet's objects should is told and never touched, neither while
// there is the Gateway nor when it goes; once it is out of the way, the fleet comes up
// by itself.
func TestForeignObjectsOfTheFleetsNamesAreLeftAlone(t *testing.T) {
	t.Parallel()
	s := newTenant(t, "foreign")
	s.applyText(inTheWay, nil)
	before := s.strangers()
	s.apply("gateway", nil)
	programmed := `{.status.conditions[?(@.type=="Programmed")]['status','reason','message']}`
	s.wantText("gateway/web", programmed, "False NoResources", "Deployment e2e-foreign/web-fleetgate exists and does not belong to this Gateway",
		"Service e2e-foreign/web-fleetgate exists", "ConfigMap e2e-foreign/web-fleetgate-config exists")
	s.wantUntouched(before, "beside the Gateway")
	s.deleteGateway()
	s.wantUntouched(before, "after the Gateway")

	s.apply("gateway", nil)
	s.wantText("gateway/web", programmed, "False NoResources")
	s.kubectl("delete", "deployment/web-fleetgate", "service/web-fleetgate", "configmap/web-fleetgate-config")
	s.waitProgrammed()
	s.waitFor("a.example.com", "/", answer{Status: http.StatusNotFound})
	gateway := read(s, "web", &gatewayv1.Gateway{})
	for kind, object := range s.strangers() {
		if owner := metav1.GetControllerOf(object); owner == nil || owner.UID != gateway.UID {
			t.Errorf("the %s belongs to %+v, want the Gateway", kind, owner)
		}
	}
}

// strangers returns the objects of those names, by their kinds.
func (s *tenantSpace) strangers() map[string]ctrlclient.Object {
	s.t.Helper()
	return map[string]ctrlclient.Object{
		"Deployment": read(s, "web-fleetgate", &appsv1.Deployment{}),
		"Service":    read(s, "web-fleetgate", &corev1.Service{}),
		"ConfigMap":  read(s, "web-fleetgate-config", &corev1.ConfigMap{}),
	}
}

// read returns an object of the tenant's.
func read[T ctrlclient.Object](s *tenantSpace, name string, object T) T {
	s.t.Helper()
	if err := cluster.Client.Get(s.t.Context(), ctrlclient.ObjectKey{Namespace: s.namespace, Name: name}, object); err != nil {
		s.t.Fatal(err)
	}
	return object
}

// wantUntouched compares all of the objects but what Kubernetes itself writes: the
// status of a Deployment, and who has written which field.
func (s *tenantSpace) wantUntouched(before map[string]ctrlclient.Object, when string) {
	s.t.Helper()
	bare := func(objects map[string]ctrlclient.Object) map[string]ctrlclient.Object {
		out := map[string]ctrlclient.Object{}
		for kind, object := range objects {
			object = object.DeepCopyObject().(ctrlclient.Object)
			object.SetManagedFields(nil)
			if deployment, is := object.(*appsv1.Deployment); is {
				deployment.ResourceVersion, deployment.Status = "", appsv1.DeploymentStatus{}
				delete(deployment.Annotations, "deployment.kubernetes.io/revision")
			}
			out[kind] = object
		}
		return out
	}
	if diff := cmp.Diff(bare(before), bare(s.strangers()), cmpopts.EquateEmpty()); diff != "" {
		s.t.Errorf("%s (-before +now)\n%s", when, diff)
	}
}
