package cluster

import (
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fleetgate/fleetgate/operator/internal/names"
)

// Lag is how long a cache may be behind. One that shows an old version for longer shows
// what there is: the cluster was restored from a backup.
const Lag = 10 * time.Second

// CacheOptions says what is cached. Without namespaces it is the whole cluster.
//
// ServiceMonitors are not in the list, though a label would do for them too: a
// cluster need not have the kind, and the list may only hold kinds that are
// there from the start. See strip.
func CacheOptions(namespaces []string) cache.Options {
	unsafely, shared := true, newSharer()
	fleets := cache.ByObject{Label: labels.SelectorFromSet(labels.Set{names.LabelManagedBy: names.ManagedBy})}
	pods := cache.ByObject{
		Label:     labels.SelectorFromSet(labels.Set{names.LabelName: names.ProxyName}),
		Transform: shared.after(stripPod),
	}
	return cache.Options{
		// Whoever is about to read a kind while it goes would make an informer of it anew, and
		// wait until that has listed what nobody serves any more.
		ReaderFailOnMissingInformer:  true,
		NewInformer:                  newInformer,
		DefaultNamespaces:            watched(namespaces),
		DefaultTransform:             shared.after(strip),
		DefaultUnsafeDisableDeepCopy: &unsafely,
		ByObject: map[client.Object]cache.ByObject{
			&corev1.Pod{}:                            pods,
			&corev1.ServiceAccount{}:                 fleets,
			&appsv1.Deployment{}:                     fleets,
			&appsv1.DaemonSet{}:                      fleets,
			&autoscalingv2.HorizontalPodAutoscaler{}: fleets,
			&rbacv1.Role{}:                           fleets,
			&rbacv1.RoleBinding{}:                    fleets,
			&policyv1.PodDisruptionBudget{}:          fleets,
			&networkingv1.NetworkPolicy{}:            fleets,
			SecretMetadata():                         {Transform: shared.after(stripMetadata)},
			ConfigMapMetadata():                      {Transform: shared.after(stripMetadata)},
			&corev1.Service{}:                        {Transform: shared.after(stripService)},
			&discoveryv1.EndpointSlice{}:             {Namespaces: watchedSlices(namespaces), Transform: shared.after(stripEndpoints)},
			&corev1.Namespace{}:                      {Transform: shared.after(stripNamespace)},
			CRDMetadata():                            {Transform: shared.after(stripCRD)},
		},
	}
}

func watched(namespaces []string) map[string]cache.Config {
	if len(namespaces) == 0 {
		return nil
	}
	configs := make(map[string]cache.Config, len(namespaces))
	for _, name := range namespaces {
		configs[name] = cache.Config{}
	}
	return configs
}

// watchedSlices are the EndpointSlices of the namespaces, and that of the API
// servers, which no route may lead to.
func watchedSlices(namespaces []string) map[string]cache.Config {
	configs := watched(namespaces)
	if _, whole := configs[names.APIServers.Namespace]; configs != nil && !whole {
		configs[names.APIServers.Namespace] = cache.Config{FieldSelector: fields.OneTermEqualSelector("metadata.name", names.APIServers.Name)}
	}
	return configs
}
