package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

const account = "web-fleetgate"

// The account of a tenant's proxies reads its own named objects, and nothing else of
// anybody, whatever it tries.
func TestAProxysAccountReadsItsOwnObjectsAlone(t *testing.T) {
	t.Parallel()
	a, b := serving(t, "cage-a"), serving(t, "cage-b")
	for _, pair := range [][2]*tenantSpace{{a, b}, {b, a}} {
		own, other := pair[0], pair[1]
		own.applyText(ownSecret, nil)
		as := impersonate(t, own.namespace, account)
		own.wantAccount()
		own.checkOwnReads(as)
		own.checkRefusedReads(as, other.namespace)
		own.checkRights(as, own.namespace)
		own.checkRights(as, other.namespace)
		own.checkRights(as, "kube-system")
		own.checkAsked(as, other.namespace)
	}
}

// ownSecret is the tenant's own, and no business of the proxies.
const ownSecret = `
apiVersion: v1
kind: Secret
metadata: {name: private, namespace: {{.Namespace}}}
stringData: {password: opensesame}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: private, namespace: {{.Namespace}}}
data: {password: opensesame}
`

// impersonate returns a client that is a ServiceAccount.
func impersonate(t *testing.T, namespace, account string) ctrlclient.WithWatch {
	t.Helper()
	config := cluster.Config()
	config.Impersonate = rest.ImpersonationConfig{
		UserName: "system:serviceaccount:" + namespace + ":" + account,
		Groups:   []string{"system:serviceaccounts", "system:serviceaccounts:" + namespace, "system:authenticated"},
	}
	as, err := ctrlclient.NewWithWatch(config, ctrlclient.Options{Scheme: cluster.Client.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	review := &authenticationv1.SelfSubjectReview{}
	if err := as.Create(t.Context(), review); err != nil {
		t.Fatal(err)
	}
	if got := review.Status.UserInfo.Username; got != config.Impersonate.UserName {
		t.Fatalf("asking as %s, want %s", got, config.Impersonate.UserName)
	}
	return as
}

// wantAccount asserts that the proxies have the account that is tried.
func (s *tenantSpace) wantAccount() {
	s.t.Helper()
	pods, err := s.gateway.Pods(s.t.Context())
	if err != nil || len(pods) == 0 {
		s.t.Fatalf("%d pods, error %v", len(pods), err)
	}
	for i := range pods {
		if got := pods[i].Spec.ServiceAccountName; got != account {
			s.t.Errorf("pod %s has account %s, want %s", pods[i].Name, got, account)
		}
	}
}

// checkOwnReads reads what a proxy needs, in the ways in which it does.
func (s *tenantSpace) checkOwnReads(as ctrlclient.WithWatch) {
	s.t.Helper()
	name := account + "-config"
	if err := as.Get(s.t.Context(), ctrlclient.ObjectKey{Namespace: s.namespace, Name: name}, &corev1.ConfigMap{}); err != nil {
		s.t.Errorf("its own configuration: %v", err)
	}
	ctx, cancel := context.WithCancel(s.t.Context())
	defer cancel()
	watch, err := as.Watch(ctx, &corev1.ConfigMapList{}, ctrlclient.InNamespace(s.namespace), ctrlclient.MatchingFields{"metadata.name": name})
	if err != nil {
		s.t.Errorf("watching its own configuration: %v", err)
		return
	}
	watch.Stop()
}

// kindsOfOthers are what a proxy must not see of anybody.
func kindsOfOthers() []ctrlclient.ObjectList {
	return []ctrlclient.ObjectList{
		&corev1.SecretList{}, &corev1.ConfigMapList{}, &corev1.PodList{}, &corev1.ServiceList{}, &corev1.ServiceAccountList{},
		&corev1.EventList{}, &discoveryv1.EndpointSliceList{}, &gatewayv1.GatewayList{}, &gatewayv1.HTTPRouteList{},
	}
}

// checkRefusedReads lists and watches everything everywhere, and gets objects that
// are there.
func (s *tenantSpace) checkRefusedReads(as ctrlclient.WithWatch, other string) {
	s.t.Helper()
	for _, list := range kindsOfOthers() {
		for _, namespace := range []string{s.namespace, other, "kube-system", ""} {
			what := fmt.Sprintf("%T in namespace %q", list, namespace)
			s.wantForbidden("listing "+what, as.List(s.t.Context(), list, ctrlclient.InNamespace(namespace)))
			watch, err := as.Watch(s.t.Context(), list, ctrlclient.InNamespace(namespace))
			if err == nil {
				watch.Stop()
			}
			s.wantForbidden("watching "+what, err)
		}
	}
	s.wantForbidden("listing namespaces", as.List(s.t.Context(), &corev1.NamespaceList{}))
	s.wantForbidden("listing nodes", as.List(s.t.Context(), &corev1.NodeList{}))
	for _, key := range []ctrlclient.ObjectKey{
		{Namespace: s.namespace, Name: "private"}, {Namespace: s.namespace, Name: account + "-admin"},
		{Namespace: other, Name: "private"}, {Namespace: other, Name: account + "-config"},
		{Namespace: other, Name: account + "-admin"}, {Namespace: other, Name: account + "-certs-0"},
	} {
		s.wantForbidden("getting Secret "+key.String(), as.Get(s.t.Context(), key, &corev1.Secret{}))
		if key.Name != account+"-config" || key.Namespace != s.namespace {
			s.wantForbidden("getting ConfigMap "+key.String(), as.Get(s.t.Context(), key, &corev1.ConfigMap{}))
		}
	}
	config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: account + "-config"}}
	s.wantForbidden("deleting its configuration", as.Delete(s.t.Context(), config))
	s.wantForbidden("changing its configuration", as.Patch(s.t.Context(), config,
		ctrlclient.RawPatch("application/merge-patch+json", []byte(`{"data":{"a":"b"}}`))))
}

func (s *tenantSpace) wantForbidden(what string, err error) {
	s.t.Helper()
	if !apierrors.IsForbidden(err) {
		s.t.Errorf("%s as %s: error %v, want Forbidden", what, s.namespace, err)
	}
}

// checkRights reads from the API server all that the account may do in a namespace:
// to read its own objects at home, and to ask who it is and what it may anywhere.
func (s *tenantSpace) checkRights(as ctrlclient.Client, namespace string) {
	s.t.Helper()
	review := &authorizationv1.SelfSubjectRulesReview{Spec: authorizationv1.SelfSubjectRulesReviewSpec{Namespace: namespace}}
	if err := as.Create(s.t.Context(), review); err != nil {
		s.t.Fatal(err)
	}
	if review.Status.Incomplete {
		s.t.Errorf("the rights in %s are not all told: %s", namespace, review.Status.EvaluationError)
	}
	named := 0
	for _, rule := range review.Status.ResourceRules {
		switch {
		case everybodys(rule):
		case namespace == s.namespace && readsItsOwn(rule):
			named++
		default:
			s.t.Errorf("in %s it may %v %v of %v, named %v", namespace, rule.Verbs, rule.Resources, rule.APIGroups, rule.ResourceNames)
		}
	}
	if namespace == s.namespace && named == 0 {
		s.t.Error("it may not read its own objects")
	}
}

// everybodys says whether a rule is one that Kubernetes itself gives to all accounts: to
// ask who one is and what one may, and to read the authorities that are for all.
func everybodys(rule authorizationv1.ResourceRule) bool {
	if slices.Equal(rule.Verbs, []string{"create"}) {
		return !slices.ContainsFunc(rule.Resources, func(resource string) bool { return !strings.HasPrefix(resource, "selfsubject") })
	}
	return slices.Equal(rule.APIGroups, []string{"certificates.k8s.io"}) && slices.Equal(rule.Resources, []string{"clustertrustbundles"}) && reads(rule.Verbs)
}

func reads(verbs []string) bool {
	return !slices.ContainsFunc(verbs, func(verb string) bool { return !slices.Contains([]string{"get", "list", "watch"}, verb) })
}

func readsItsOwn(rule authorizationv1.ResourceRule) bool {
	for _, resource := range rule.Resources {
		if resource != "configmaps" && resource != "secrets" {
			return false
		}
	}
	return reads(rule.Verbs) && len(rule.ResourceNames) > 0 && !slices.ContainsFunc(rule.ResourceNames, func(name string) bool {
		return !strings.HasPrefix(name, account+"-config") && !strings.HasPrefix(name, account+"-certs-")
	})
}

// checkAsked asks for single rights that would lead out of the cage.
func (s *tenantSpace) checkAsked(as ctrlclient.Client, other string) {
	s.t.Helper()
	for _, namespace := range []string{s.namespace, other} {
		for _, attributes := range []authorizationv1.ResourceAttributes{
			{Verb: "create", Resource: "serviceaccounts", Subresource: "token"}, {Verb: "impersonate", Resource: "serviceaccounts"},
			{Verb: "create", Resource: "pods"}, {Verb: "create", Resource: "pods", Subresource: "exec"}, {Verb: "get", Resource: "endpoints"},
			{Verb: "escalate", Group: "rbac.authorization.k8s.io", Resource: "roles"}, {Verb: "bind", Group: "rbac.authorization.k8s.io", Resource: "roles"},
			{Verb: "patch", Group: "gateway.networking.k8s.io", Resource: "gateways", Subresource: "status"},
			{Verb: "*", Group: "*", Resource: "*"},
		} {
			attributes.Namespace = namespace
			review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &attributes}}
			if err := as.Create(s.t.Context(), review); err != nil {
				s.t.Fatal(err)
			}
			if review.Status.Allowed {
				s.t.Errorf("it may %s %s/%s in %s", attributes.Verb, attributes.Resource, attributes.Subresource, namespace)
			}
		}
	}
}
