package apply

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// Owner is the Gateway on whose behalf objects are written.
type Owner struct {
	types.NamespacedName
	UID types.UID
	// Labels are put on every object.
	Labels map[string]string
	// Selector are those of the labels by which the owner's objects are found
	// again, whatever else about the owner has changed since.
	Selector map[string]string
}

// Reference is the ownerReference that every object of the owner carries. It
// does not block the owner's deletion: nothing of a fleet has to be cleaned up
// before its Gateway may go.
func (o Owner) Reference() metav1.OwnerReference {
	return metav1.OwnerReference{
		APIVersion: gatewayv1.GroupVersion.String(),
		Kind:       "Gateway",
		Name:       o.Name,
		UID:        o.UID,
		Controller: new(true),
	}
}

// Owns says whether the object is the owner's.
func (o Owner) Owns(obj metav1.Object) bool {
	ref := metav1.GetControllerOfNoCopy(obj)
	return ref != nil && ref.UID == o.UID && o.UID != ""
}
