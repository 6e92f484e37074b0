package graph

import (
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// object is one end of a reference. The name is not set where it does not
// matter: a grant trusts all objects of a kind in a namespace.
type object struct {
	group, kind, namespace, name string
}

func secretObject(name types.NamespacedName) object {
	return object{kind: "Secret", namespace: name.Namespace, name: name.Name}
}

func serviceObject(name types.NamespacedName) object {
	return object{kind: "Service", namespace: name.Namespace, name: name.Name}
}

// grant is a permission that some ReferenceGrant gives. An empty name in to
// stands for every name.
type grant struct {
	from, to object
}

// grants is the set of all permissions.
type grants map[grant]struct{}

func indexGrants(sources []*gatewayv1.ReferenceGrant) grants {
	index := make(grants)
	for _, source := range sources {
		for _, from := range source.Spec.From {
			for _, to := range source.Spec.To {
				index[grant{
					from: object{group: string(from.Group), kind: string(from.Kind), namespace: string(from.Namespace)},
					to: object{group: string(to.Group), kind: string(to.Kind),
						namespace: source.Namespace, name: string(value(to.Name, ""))},
				}] = struct{}{}
			}
		}
	}
	return index
}

// allow says whether an object of the Gateway API of the given kind and namespace
// may refer to another one. Within a namespace it always may.
func (g grants) allow(fromKind, fromNamespace string, to object) bool {
	return g.allowFrom(object{group: gatewayv1.GroupName, kind: fromKind, namespace: fromNamespace}, to)
}

// allowFrom is allow for an object of any group.
func (g grants) allowFrom(from, to object) bool {
	if from.namespace == to.namespace {
		return true
	}
	wanted := grant{from: from, to: to}
	if _, named := g[wanted]; named {
		return true
	}
	wanted.to.name = ""
	_, any := g[wanted]
	return any
}
