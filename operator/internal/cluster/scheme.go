package cluster

import (
	"fmt"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayxv1alpha1 "sigs.k8s.io/gateway-api/apisx/v1alpha1"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
)

// NewScheme returns a scheme with all kinds that the operator works with.
func NewScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		clientgoscheme.AddToScheme, gatewayv1.Install, gatewayxv1alpha1.Install, monitoringv1.AddToScheme, v1alpha1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("making a scheme: %w", err)
		}
	}
	return scheme, nil
}

// SecretMetadata returns an empty object that stands for the metadata of a
// Secret.
func SecretMetadata() *metav1.PartialObjectMetadata {
	return metadata(schema.GroupVersionKind{Version: "v1", Kind: "Secret"})
}

// ConfigMapMetadata returns an empty object that stands for the metadata of a
// ConfigMap.
func ConfigMapMetadata() *metav1.PartialObjectMetadata {
	return metadata(schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"})
}

// CRDMetadata returns an empty object that stands for the metadata of a
// CustomResourceDefinition.
func CRDMetadata() *metav1.PartialObjectMetadata {
	return metadata(schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"})
}

func metadata(gvk schema.GroupVersionKind) *metav1.PartialObjectMetadata {
	obj := &metav1.PartialObjectMetadata{}
	obj.SetGroupVersionKind(gvk)
	return obj
}
