package golden

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayxv1alpha1 "sigs.k8s.io/gateway-api/apisx/v1alpha1"
	"sigs.k8s.io/yaml"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
	"github.com/fleetgate/fleetgate/operator/internal/names"
	"github.com/fleetgate/fleetgate/operator/internal/provision"
	"github.com/fleetgate/fleetgate/operator/internal/status"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// ControllerName is the one that the classes of the cases name.
const ControllerName = "fleetgate.io/gateway-controller"

// Case is the content of an in.yaml.
type Case struct {
	Resources *store.Resources
	// Observed is a healthy fleet of two, unless a document of kind Observed
	// says otherwise.
	Observed status.Observed
	// Settings are read from a document of kind Settings. Objects are of
	// interest only in cases that have one.
	Settings *provision.Settings
}

// Load reads a case. Fields that are not known are errors, so that a typing
// mistake in a case does not make it pass.
func Load(data []byte) (*Case, error) {
	c := &Case{
		Resources: &store.Resources{
			Class:          defaultClass(),
			HTTPRoutes:     make(map[types.NamespacedName]*gatewayv1.HTTPRoute),
			GRPCRoutes:     make(map[types.NamespacedName]*gatewayv1.GRPCRoute),
			L4Routes:       make(map[store.RouteKey]store.Route),
			ListenerSets:   make(map[types.NamespacedName]*gatewayv1.ListenerSet),
			Namespaces:     make(map[string]*corev1.Namespace),
			Services:       make(map[types.NamespacedName]*corev1.Service),
			EndpointSlices: make(map[types.NamespacedName][]*discoveryv1.EndpointSlice),
			Secrets:        make(map[types.NamespacedName]*corev1.Secret),
			ConfigMaps:     make(map[types.NamespacedName]*corev1.ConfigMap),
			TrustBundles:   make(map[string]*certificatesv1.ClusterTrustBundle),

			BackendTLSPolicies: make(map[types.NamespacedName]*gatewayv1.BackendTLSPolicy),
			TrafficPolicies:    make(map[types.NamespacedName]*gatewayxv1alpha1.XBackendTrafficPolicy),
			XBackends:          make(map[types.NamespacedName]*gatewayxv1alpha1.XBackend),
			XBackendSlices:     make(map[types.NamespacedName][]*discoveryv1.EndpointSlice),
			TelemetryPolicies:  make(map[types.NamespacedName]*gatewayxv1alpha1.XTelemetryPolicy),
		},
		Observed: healthy(),
	}
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(data)))
	for n := 1; ; n++ {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return c, nil
		}
		if err == nil {
			err = c.add(document)
		}
		if err != nil {
			return nil, fmt.Errorf("document %d: %w", n, err)
		}
	}
}

func (c *Case) add(document []byte) error {
	var meta metav1.TypeMeta
	if err := yaml.Unmarshal(document, &meta); err != nil {
		return err
	}
	in := c.Resources
	switch meta.Kind {
	case "":
		return nil // nothing but comments
	case "GatewayClass":
		in.Class = &gatewayv1.GatewayClass{}
		return decode(document, in.Class)
	case v1alpha1.KindGatewayParameters:
		return c.addParameters(document)
	case "Gateway":
		in.Gateway = &gatewayv1.Gateway{}
		return decode(document, in.Gateway)
	case "HTTPRoute":
		return put(document, &gatewayv1.HTTPRoute{}, in.HTTPRoutes)
	case "GRPCRoute":
		return put(document, &gatewayv1.GRPCRoute{}, in.GRPCRoutes)
	case "TCPRoute", "TLSRoute", "UDPRoute":
		return c.addL4Route(document, meta.Kind)
	case "ListenerSet":
		return put(document, &gatewayv1.ListenerSet{}, in.ListenerSets)
	case "Service":
		return put(document, &corev1.Service{}, in.Services)
	case "BackendTLSPolicy":
		return put(document, &gatewayv1.BackendTLSPolicy{}, in.BackendTLSPolicies)
	case "XBackendTrafficPolicy":
		return put(document, &gatewayxv1alpha1.XBackendTrafficPolicy{}, in.TrafficPolicies)
	case store.KindXBackend:
		return put(document, &gatewayxv1alpha1.XBackend{}, in.XBackends)
	case "XTelemetryPolicy":
		return put(document, &gatewayxv1alpha1.XTelemetryPolicy{}, in.TelemetryPolicies)
	case "ConfigMap":
		return c.addConfigMap(document)
	case "Secret":
		return c.addSecret(document)
	case "ClusterTrustBundle":
		return c.addTrustBundle(document)
	case "MissingKinds":
		return yaml.UnmarshalStrict(document, &struct {
			metav1.TypeMeta
			Kinds *[]string
		}{Kinds: &in.MissingKinds})
	case "Namespace":
		namespace := &corev1.Namespace{}
		err := decode(document, namespace)
		in.Namespaces[namespace.Name] = namespace
		return err
	case "ReferenceGrant":
		grant := &gatewayv1.ReferenceGrant{}
		in.Grants = append(in.Grants, grant)
		return decode(document, grant)
	case "EndpointSlice":
		return c.addSlice(document)
	case "Observed":
		return yaml.UnmarshalStrict(document, &struct {
			metav1.TypeMeta
			*status.Observed
		}{Observed: &c.Observed})
	case "Settings":
		c.Settings = &provision.Settings{ProxyImage: "fleetgate.io/proxy:v0.1.0", SensorImage: "fleetgate.io/sensor:v0.1.0"}
		return yaml.UnmarshalStrict(document, &struct {
			metav1.TypeMeta
			*provision.Settings
		}{Settings: c.Settings})
	}
	return fmt.Errorf("kind %q is not known", meta.Kind)
}

// addParameters adds parameters to the layers that name them. The class and the
// Gateway stand before them.
func (c *Case) addParameters(document []byte) error {
	named := &v1alpha1.GatewayParameters{}
	if err := decode(document, named); err != nil {
		return err
	}
	in, key, used := c.Resources, client.ObjectKeyFromObject(named), false
	if ofClass, ok := store.ClassParameters(in.Class); ok && ofClass == key {
		in.ClassParameters, used = named, true
	}
	if own, ok := store.OwnParameters(in.Gateway); ok && own == key {
		in.OwnParameters, used = named, true
	}
	if !used {
		return fmt.Errorf("neither the class nor the Gateway names GatewayParameters %s", key)
	}
	return nil
}

func (c *Case) addL4Route(document []byte, kind string) error {
	for _, known := range store.RouteKinds() {
		if known.Name != kind {
			continue
		}
		route := known.New()
		err := decode(document, route)
		key, _ := store.KeyOf(route)
		c.Resources.L4Routes[key] = route
		return err
	}
	return fmt.Errorf("%s is no kind of routes", kind)
}

func (c *Case) addSlice(document []byte) error {
	slice := &discoveryv1.EndpointSlice{}
	if err := decode(document, slice); err != nil {
		return err
	}
	if client.ObjectKeyFromObject(slice) == names.APIServers {
		c.Resources.APIServers = slice
	}
	if backend := slice.Labels[names.LabelXBackend]; backend != "" {
		key := types.NamespacedName{Namespace: slice.Namespace, Name: backend}
		c.Resources.XBackendSlices[key] = append(c.Resources.XBackendSlices[key], slice)
		return nil
	}
	key := types.NamespacedName{Namespace: slice.Namespace, Name: slice.Labels[discoveryv1.LabelServiceName]}
	c.Resources.EndpointSlices[key] = append(c.Resources.EndpointSlices[key], slice)
	return nil
}

func (c *Case) addSecret(document []byte) error {
	secret := &corev1.Secret{}
	if err := decode(document, secret); err != nil {
		return err
	}
	c.Resources.Secrets[client.ObjectKeyFromObject(secret)] = secret
	host, wanted := secret.Annotations[certificateFor]
	if !wanted {
		return nil
	}
	var err error
	secret.Data, err = SelfSigned(host)
	return err
}

func (c *Case) addConfigMap(document []byte) error {
	configMap := &corev1.ConfigMap{}
	if err := decode(document, configMap); err != nil {
		return err
	}
	c.Resources.ConfigMaps[client.ObjectKeyFromObject(configMap)] = configMap
	host, wanted := configMap.Annotations[certificateFor]
	if !wanted {
		return nil
	}
	made, err := SelfSigned(host)
	configMap.Data = map[string]string{corev1.ServiceAccountRootCAKey: string(made[corev1.TLSCertKey])}
	return err
}

func (c *Case) addTrustBundle(document []byte) error {
	bundle := &certificatesv1.ClusterTrustBundle{}
	if err := decode(document, bundle); err != nil {
		return err
	}
	c.Resources.TrustBundles[bundle.Name] = bundle
	host, wanted := bundle.Annotations[certificateFor]
	if !wanted {
		return nil
	}
	made, err := SelfSigned(host)
	bundle.Spec.TrustBundle = string(made[corev1.TLSCertKey])
	return err
}

func put[T client.Object](document []byte, object T, into map[types.NamespacedName]T) error {
	err := decode(document, object)
	into[client.ObjectKeyFromObject(object)] = object
	return err
}

// decode also does what an API server does to every object.
func decode(document []byte, object client.Object) error {
	if err := yaml.UnmarshalStrict(document, object); err != nil {
		return err
	}
	if object.GetGeneration() == 0 {
		object.SetGeneration(1)
	}
	if created := object.GetCreationTimestamp(); created.IsZero() {
		object.SetCreationTimestamp(metav1.NewTime(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)))
	}
	return nil
}

func defaultClass() *gatewayv1.GatewayClass {
	class := &gatewayv1.GatewayClass{Spec: gatewayv1.GatewayClassSpec{ControllerName: ControllerName}}
	class.Name = "fleetgate"
	class.Generation = 1
	return class
}

func healthy() status.Observed {
	ip := gatewayv1.IPAddressType
	return status.Observed{
		Addresses:        []gatewayv1.GatewayStatusAddress{{Type: &ip, Value: "192.0.2.10", Routability: new(gatewayv1.GatewayAddressRoutabilityDefault)}},
		ClusterAddresses: []gatewayv1.GatewayStatusAddress{{Type: &ip, Value: "10.96.0.42", Routability: new(gatewayv1.GatewayAddressRoutabilityCluster)}},
		Wanted:           2, Ready: 2, Serving: 2,
	}
}
