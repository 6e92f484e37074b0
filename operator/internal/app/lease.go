package app

import (
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/fleetgate/fleetgate/operator/internal/install"
)

// leaseName is the name of the lease that replicas compete for.
const leaseName = "7d1f0c36.fleetgate.io"

// leaseDuration is how long nobody else takes the lease after it was renewed.
const leaseDuration = 15 * time.Second

// newClaim returns the claim of this install to the classes of its controller. An Event of
// its own namespace says when there is another one: of the classes it may say nothing.
func newClaim(mgr manager.Manager, opts Options) *install.Claim {
	lease := &coordinationv1.Lease{
		TypeMeta:   metav1.TypeMeta{APIVersion: coordinationv1.SchemeGroupVersion.String(), Kind: "Lease"},
		ObjectMeta: metav1.ObjectMeta{Namespace: opts.Namespace, Name: leaseName},
	}
	recorder := mgr.GetEventRecorder("fleetgate")
	return install.New(install.Options{
		Client: mgr.GetClient(), Live: mgr.GetAPIReader(), ControllerName: opts.ControllerName,
		Namespace: opts.Namespace, Lease: leaseName, Elected: mgr.Elected(),
		StandsBack: func(namespace string) {
			recorder.Eventf(lease, nil, corev1.EventTypeWarning, install.ReasonStandsBack, "Lead",
				"The operator in namespace %s serves the GatewayClasses of %s; this one does nothing", namespace, opts.ControllerName)
		},
		Log: opts.Log.WithName("install"), Now: time.Now,
	})
}
