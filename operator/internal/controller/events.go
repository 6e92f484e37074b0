package controller

import (
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// The reasons of the Events on a Gateway.
const (
	// ConfigRepaired: the stored configuration was not what the operator had
	// stored, and has been replaced.
	ConfigRepaired = "ConfigRepaired"
	// ConfigTooLarge: some of the configuration is not served for its size.
	ConfigTooLarge = "ConfigTooLarge"
	// ForeignObject: an object that is not the Gateway's has a name that one of
	// its own is to have.
	ForeignObject = "ForeignObject"
	// TranslationFailed: the translation panicked, of the Gateway or of one of its objects.
	TranslationFailed = "TranslationFailed"
	// ProvisioningFailed: the API server refuses an object of the fleet.
	ProvisioningFailed = "ProvisioningFailed"
	// ParametersRefused: fields of the parameters have no effect.
	ParametersRefused = "ParametersRefused"
	// RolloutFailed: new pods do not become available. Of three Gateways, those of all
	// others stay for that.
	RolloutFailed = "RolloutFailed"
	// StatusFull: there is no room in the status of a route or a policy to say what
	// the Gateway makes of it. This one is about that object; of a policy, which does
	// not apply then, the Gateway is told as well.
	StatusFull = "StatusFull"
)

// maxNote is what the API server allows for an Event's text.
const maxNote = 1024

// note is what an Event has room for of a text.
func note(text string) string { return text[:min(maxNote, len(text))] }

// announcer emits Events. One that tells of a lasting trouble is emitted when
// the trouble begins, or changes, and not again while it lasts.
type announcer struct {
	recorder events.EventRecorder

	mu   sync.Mutex
	last map[types.NamespacedName]map[string]string
}

func newAnnouncer(recorder events.EventRecorder) *announcer {
	return &announcer{recorder: recorder, last: make(map[types.NamespacedName]map[string]string)}
}

// happened tells of something that is over.
func (a *announcer) happened(gateway *gatewayv1.Gateway, reason, action, text string) {
	a.recorder.Eventf(gateway, nil, corev1.EventTypeWarning, reason, action, "%s", note(text))
}

// lasts tells of a trouble, and of none when the text is empty. What a condition of the
// Gateway says already was told before, by an earlier process.
func (a *announcer) lasts(gateway *gatewayv1.Gateway, reason, action, text string) {
	key := types.NamespacedName{Namespace: gateway.Namespace, Name: gateway.Name}
	if a.replace(key, reason, text) && !tell(gateway.Status.Conditions, text) {
		a.happened(gateway, reason, action, text)
	}
}

// tell says whether the conditions do of a trouble.
func tell(list []metav1.Condition, text string) bool {
	return slices.ContainsFunc(list, func(c metav1.Condition) bool { return strings.Contains(c.Message, text) })
}

// crowded tells of an object whose status is full of others' entries, or that it is
// not.
func (a *announcer) crowded(gateway *gatewayv1.Gateway, object client.Object, kind string, full bool) {
	key := types.NamespacedName{Namespace: gateway.Namespace, Name: gateway.Name}
	text := ""
	if full {
		text = "The status has as many entries as it can, and that of Gateway " + key.String() + " is not among them"
	}
	if a.replace(key, StatusFull+" "+kind+" "+client.ObjectKeyFromObject(object).String(), text) {
		a.recorder.Eventf(object, gateway, corev1.EventTypeWarning, StatusFull, "Report", "%s", text)
		if policy, is := store.PolicyKeyOf(object); is && kind != store.KindXBackend {
			a.recorder.Eventf(gateway, object, corev1.EventTypeWarning, StatusFull, "Apply",
				"%s %s does not apply to this Gateway, as there is no room in its status", kind, policy.NamespacedName)
		}
	}
}

// broken tells of an object whose translation panicked, or with an empty text that it
// does not any more.
func (a *announcer) broken(gateway *gatewayv1.Gateway, object client.Object, key store.ObjectKey, text string) {
	of := types.NamespacedName{Namespace: gateway.Namespace, Name: gateway.Name}
	if a.replace(of, TranslationFailed+" "+key.Kind+" "+key.NamespacedName.String(), text) {
		text = "For Gateway " + of.String() + " " + text
		a.recorder.Eventf(object, gateway, corev1.EventTypeWarning, TranslationFailed, "Translate", "%s", note(text))
	}
}

// brokenParameters tells of parameters that cannot be translated, for whatever Gateways.
func brokenParameters(recorder events.EventRecorder, object *v1alpha1.GatewayParameters, text string) {
	recorder.Eventf(object, nil, corev1.EventTypeWarning, TranslationFailed, "Translate", "%s", note(text))
}

// replace remembers the text and reports whether it is to be told.
func (a *announcer) replace(gateway types.NamespacedName, reason, text string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if text == a.last[gateway][reason] {
		return false
	}
	if text == "" {
		delete(a.last[gateway], reason)
		return false
	}
	if a.last[gateway] == nil {
		a.last[gateway] = make(map[string]string)
	}
	a.last[gateway][reason] = text
	return true
}

func (a *announcer) forget(gateway types.NamespacedName) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.last, gateway)
}
