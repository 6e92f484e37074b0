package install

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// classList is what was read of the GatewayClasses. It is read anew where their metadata
// tell of another version: classes have long statuses, change seldom, and are looked at all
// the time.
type classList struct {
	live       client.Reader
	controller string

	versions map[types.UID]string
	classes  []gatewayv1.GatewayClass
}

// read returns the classes of the controller, the oldest first. They are not to be changed.
func (l *classList) read(ctx context.Context) ([]gatewayv1.GatewayClass, error) {
	var seen metav1.PartialObjectMetadataList
	seen.SetGroupVersionKind(schema.GroupVersion(gatewayv1.GroupVersion).WithKind("GatewayClassList"))
	if err := l.live.List(ctx, &seen); err != nil {
		return nil, fmt.Errorf("listing the metadata of the GatewayClasses: %w", err)
	}
	if l.has(seen.Items) {
		return l.classes, nil
	}
	var list gatewayv1.GatewayClassList
	if err := l.live.List(ctx, &list); err != nil {
		return nil, fmt.Errorf("listing the GatewayClasses: %w", err)
	}
	l.versions = make(map[types.UID]string, len(list.Items))
	for i := range list.Items {
		l.versions[list.Items[i].UID] = list.Items[i].ResourceVersion
	}
	l.classes = slices.DeleteFunc(list.Items, func(class gatewayv1.GatewayClass) bool {
		return string(class.Spec.ControllerName) != l.controller
	})
	slices.SortFunc(l.classes, func(a, b gatewayv1.GatewayClass) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), strings.Compare(a.Name, b.Name))
	})
	return l.classes, nil
}

// has says whether these are the objects, and the versions of them, that were read.
func (l *classList) has(seen []metav1.PartialObjectMetadata) bool {
	return l.versions != nil && len(l.versions) == len(seen) &&
		!slices.ContainsFunc(seen, func(class metav1.PartialObjectMetadata) bool { return l.versions[class.UID] != class.ResourceVersion })
}
