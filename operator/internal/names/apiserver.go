package names

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// APIServers is the EndpointSlice in which the API servers publish their own
// addresses; nobody else may write it.
var APIServers = types.NamespacedName{Namespace: metav1.NamespaceDefault, Name: "kubernetes"}
