package graph

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// resolveNamespaces reads which namespaces' routes may attach.
func (l *Listener) resolveNamespaces() {
	var from *gatewayv1.RouteNamespaces
	if l.Source.AllowedRoutes != nil {
		from = l.Source.AllowedRoutes.Namespaces
	}
	if from == nil {
		return
	}
	switch kind := value(from.From, gatewayv1.NamespacesFromSame); kind {
	case gatewayv1.NamespacesFromSame:
	case gatewayv1.NamespacesFromAll:
		l.namespaces = labels.Everything()
	case gatewayv1.NamespacesFromNone:
		l.namespaces = labels.Nothing()
	case gatewayv1.NamespacesFromSelector:
		l.selectNamespaces(from.Selector)
	default:
		l.namespaces = labels.Nothing()
		l.refuse(gatewayv1.ListenerReasonUnsupportedValue, "allowedRoutes.namespaces.from %q is not known", kind)
	}
}

func (l *Listener) selectNamespaces(selector *metav1.LabelSelector) {
	l.namespaces = labels.Nothing()
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		l.refuse(gatewayv1.ListenerReasonUnsupportedValue, "allowedRoutes.namespaces.selector is not valid: %s", err)
		return
	}
	l.namespaces = parsed
}

// allows says whether the listener lets the route attach, by its kind and by
// its namespace.
func (b *builder) allows(l *Listener, route *Route) bool {
	allowed := false
	for _, kind := range l.Kinds {
		allowed = allowed || string(kind.Kind) == route.Kind
	}
	if !allowed {
		return false
	}
	if l.namespaces == nil {
		_, home := b.owner(l)
		return route.Name.Namespace == home
	}
	return l.namespaces.Matches(b.labelsOf(route.Name.Namespace))
}
