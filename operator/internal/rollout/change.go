package rollout

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fleetgate/fleetgate/operator/internal/names"
)

// Change is what becomes of the pods of a fleet.
type Change string

// The changes.
const (
	// None leaves the pods.
	None Change = "none"
	// Own is a change that the Gateway asks for itself.
	Own Change = "own"
	// Foreign is one that its operator or its class asks for.
	Foreign Change = "foreign"
)

// Fingerprint is what TemplateAnnotation has for a workload: of its pods, and of what
// the Gateway itself says of them, which is any value that JSON can hold.
func Fingerprint(workload client.Object, own any) string {
	return digest([]any{kindOf(workload), templateOf(workload)}) + "/" + digest(own)
}

// ChangeOf says what the wanted workload, which has its fingerprint, changes of the live
// one.
func ChangeOf(live, wanted client.Object) Change {
	was, known := live.GetAnnotations()[names.TemplateAnnotation]
	if !known {
		if equalImages(templateOf(live), templateOf(wanted)) {
			return None
		}
		return Foreign
	}
	wasPods, wasOwn, _ := strings.Cut(was, "/")
	pods, own, _ := strings.Cut(wanted.GetAnnotations()[names.TemplateAnnotation], "/")
	switch {
	case wasPods == pods:
		return None
	case wasOwn != own:
		return Own
	}
	return Foreign
}

// KeepPods has the wanted workload keep the pods of the live one, and the fingerprint by
// which these are seen to be due. It returns false, and does nothing, for workloads of
// two kinds.
func KeepPods(live, wanted client.Object) bool {
	if kindOf(live) != kindOf(wanted) {
		return false
	}
	*templateOf(wanted) = *templateOf(live).DeepCopy()
	annotations := maps.Clone(wanted.GetAnnotations())
	delete(annotations, names.TemplateAnnotation)
	if was, known := live.GetAnnotations()[names.TemplateAnnotation]; known {
		annotations[names.TemplateAnnotation] = was
	}
	wanted.SetAnnotations(annotations)
	return true
}

func kindOf(workload client.Object) string {
	if _, is := workload.(*appsv1.DaemonSet); is {
		return "DaemonSet"
	}
	return "Deployment"
}

func templateOf(workload client.Object) *corev1.PodTemplateSpec {
	switch workload := workload.(type) {
	case *appsv1.DaemonSet:
		return &workload.Spec.Template
	case *appsv1.Deployment:
		return &workload.Spec.Template
	}
	return &corev1.PodTemplateSpec{}
}

// equalImages is for workloads without a fingerprint. Containers that somebody else
// added do not count.
func equalImages(live, wanted *corev1.PodTemplateSpec) bool {
	images := make(map[string]string)
	for i := range live.Spec.Containers {
		images[live.Spec.Containers[i].Name] = live.Spec.Containers[i].Image
	}
	for i := range wanted.Spec.Containers {
		if images[wanted.Spec.Containers[i].Name] != wanted.Spec.Containers[i].Image {
			return false
		}
	}
	return true
}

// digest is short: it tells changes of one object apart, and guards nothing. It is of the
// JSON of a value.
func digest(value any) string {
	sum := sha256.New()
	// An Encoder keeps no copy of what it has written.
	if err := json.NewEncoder(oneLine{sum}).Encode(value); err != nil {
		panic("rollout: encoding what was decoded: " + err.Error())
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

// oneLine leaves out the end of the line that an Encoder writes. JSON without white space
// has no other.
type oneLine struct{ io.Writer }

// Write implements io.Writer.
func (w oneLine) Write(p []byte) (int, error) {
	_, err := w.Writer.Write(bytes.TrimSuffix(p, []byte("\n")))
	return len(p), err
}
