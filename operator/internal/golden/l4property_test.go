package golden_test

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/golden"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// pair is a certificate that a listener may have, and its own authority.
var pair = func() map[string][]byte {
	data, err := golden.SelfSigned("a.example.com")
	if err != nil {
		panic(err)
	}
	return data
}()

func certificate() *corev1.Secret { return &corev1.Secret{Type: corev1.SecretTypeTLS, Data: pair} }

func authorities() *corev1.ConfigMap {
	return &corev1.ConfigMap{Data: map[string]string{"ca.crt": string(pair[corev1.TLSCertKey])}}
}

// drawBelowHTTP draws what the Gateway has beside listeners and HTTPRoutes.
func drawBelowHTTP(t *rapid.T, in *store.Resources) {
	in.Gateway.Spec.AllowedListeners = maybe(t, "allowedListeners", gatewayv1.AllowedListeners{},
		gatewayv1.AllowedListeners{Namespaces: &gatewayv1.ListenerNamespaces{From: new(gatewayv1.NamespacesFromSame)}},
		gatewayv1.AllowedListeners{Namespaces: &gatewayv1.ListenerNamespaces{From: new(gatewayv1.NamespacesFromAll)}})
	in.Gateway.Spec.TLS = maybe(t, "tls", gatewayv1.GatewayTLSConfig{}, drawFrontend(t))
	for range rapid.IntRange(0, 2).Draw(t, "listenerSets") {
		name := types.NamespacedName{Namespace: pick(t, "namespace", "a", "b"), Name: pick(t, "name", objectNames...)}
		in.ListenerSets[name] = drawSet(t, name)
	}
	for range rapid.IntRange(0, 3).Draw(t, "l4Routes") {
		name := types.NamespacedName{Namespace: pick(t, "namespace", objectNames...), Name: pick(t, "name", objectNames...)}
		route := drawL4Route(t, name)
		key, _ := store.KeyOf(route)
		in.L4Routes[key] = route
	}
}

func drawFrontend(t *rapid.T) gatewayv1.GatewayTLSConfig {
	draw := func(t *rapid.T) gatewayv1.TLSConfig {
		return gatewayv1.TLSConfig{Validation: maybe(t, "validation", gatewayv1.FrontendTLSValidation{
			Mode: pick(t, "mode", gatewayv1.AllowValidOnly, gatewayv1.AllowInsecureFallback, "", "Odd"),
			CACertificateRefs: some(t, "refs", 2, func(t *rapid.T) gatewayv1.ObjectReference {
				return gatewayv1.ObjectReference{
					Kind: pick[gatewayv1.Kind](t, "kind", "ConfigMap", "Secret"), Name: pick[gatewayv1.ObjectName](t, "name", "clients", "missing"),
					Namespace: maybe[gatewayv1.Namespace](t, "namespace", "a", "b"),
				}
			}),
		})}
	}
	return gatewayv1.GatewayTLSConfig{Frontend: &gatewayv1.FrontendTLSConfig{
		Default: draw(t), PerPort: []gatewayv1.TLSPortConfig{{Port: 81, TLS: draw(t)}},
	}}
}

func drawTLS(t *rapid.T) gatewayv1.ListenerTLSConfig {
	return gatewayv1.ListenerTLSConfig{
		Mode: maybe(t, "mode", gatewayv1.TLSModePassthrough, gatewayv1.TLSModeTerminate, "", "Odd"),
		CertificateRefs: some(t, "certificateRefs", 2, func(t *rapid.T) gatewayv1.SecretObjectReference {
			return gatewayv1.SecretObjectReference{
				Name: pick[gatewayv1.ObjectName](t, "name", "cert", "missing"), Namespace: maybe[gatewayv1.Namespace](t, "namespace", "a", "b"),
			}
		}),
		Options: map[gatewayv1.AnnotationKey]gatewayv1.AnnotationValue{
			pick[gatewayv1.AnnotationKey](t, "key", "fleetgate.io/min-version", "fleetgate.io/cipher-suites", "fleetgate.io/odd", "example.com/odd"): pick[gatewayv1.AnnotationValue](t, "value", "1.2", "1.3", "", ",", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
		},
	}
}

func drawSet(t *rapid.T, name types.NamespacedName) *gatewayv1.ListenerSet {
	set := &gatewayv1.ListenerSet{ObjectMeta: metav1.ObjectMeta{
		Namespace: name.Namespace, Name: name.Name,
		CreationTimestamp: metav1.Unix(int64(rapid.IntRange(0, 1).Draw(t, "age")), 0),
	}}
	set.Spec.ParentRef = gatewayv1.ParentGatewayReference{Name: "web", Namespace: new(gatewayv1.Namespace("a"))}
	for i, listener := range some(t, "listeners", 3, drawListener) {
		listener.Name = gatewayv1.SectionName([]string{"l0", "l1", "l2"}[i])
		set.Spec.Listeners = append(set.Spec.Listeners, gatewayv1.ListenerEntry(listener))
	}
	return set
}

func drawL4Route(t *rapid.T, name types.NamespacedName) store.Route {
	meta := metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name, CreationTimestamp: metav1.Unix(0, int64(time.Second))}
	common := gatewayv1.CommonRouteSpec{ParentRefs: some(t, "parentRefs", 3, drawParent)}
	backends := func(t *rapid.T) []gatewayv1.BackendRef { return some(t, "backendRefs", 3, drawBackendRef) }
	switch pick(t, "kind", "TCPRoute", "TLSRoute", "UDPRoute") {
	case "TCPRoute":
		return &gatewayv1.TCPRoute{ObjectMeta: meta, Spec: gatewayv1.TCPRouteSpec{CommonRouteSpec: common,
			Rules: some(t, "rules", 2, func(t *rapid.T) gatewayv1.TCPRouteRule { return gatewayv1.TCPRouteRule{BackendRefs: backends(t)} })}}
	case "TLSRoute":
		return &gatewayv1.TLSRoute{ObjectMeta: meta, Spec: gatewayv1.TLSRouteSpec{CommonRouteSpec: common,
			Hostnames: some(t, "hostnames", 3, drawHostname),
			Rules:     some(t, "rules", 2, func(t *rapid.T) gatewayv1.TLSRouteRule { return gatewayv1.TLSRouteRule{BackendRefs: backends(t)} })}}
	}
	return &gatewayv1.UDPRoute{ObjectMeta: meta, Spec: gatewayv1.UDPRouteSpec{CommonRouteSpec: common,
		Rules: some(t, "rules", 2, func(t *rapid.T) gatewayv1.UDPRouteRule { return gatewayv1.UDPRouteRule{BackendRefs: backends(t)} })}}
}

func drawParent(t *rapid.T) gatewayv1.ParentReference {
	return gatewayv1.ParentReference{
		Kind:        maybe[gatewayv1.Kind](t, "kind", "Gateway", "ListenerSet", "Service"),
		Name:        pick[gatewayv1.ObjectName](t, "name", "web", "web", "a", "b"),
		Namespace:   maybe[gatewayv1.Namespace](t, "namespace", "a", "a-b"),
		SectionName: maybe[gatewayv1.SectionName](t, "sectionName", "l0", "l1", "none"),
		Port:        maybe[gatewayv1.PortNumber](t, "port", 80, 81),
	}
}

func drawHostname(t *rapid.T) gatewayv1.Hostname {
	return pick[gatewayv1.Hostname](t, "hostname", "a.example.com", "*.example.com", "*.com", "", "a..b", "B.example.com")
}

func drawBackendRef(t *rapid.T) gatewayv1.BackendRef {
	var ref gatewayv1.BackendRef
	ref.Name = gatewayv1.ObjectName(pick(t, "name", objectNames...))
	ref.Namespace = maybe[gatewayv1.Namespace](t, "namespace", "a", "a-b", "")
	ref.Kind = maybe[gatewayv1.Kind](t, "kind", "Service", "Bucket")
	ref.Port = maybe[gatewayv1.PortNumber](t, "port", 80, 81, 0)
	ref.Weight = maybe[int32](t, "weight", 0, 1, 1_000_000, -1, 1_000_001)
	return ref
}
