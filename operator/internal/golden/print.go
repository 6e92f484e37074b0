package golden

import (
	"bytes"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/yaml"

	"github.com/fleetgate/fleetgate/operator/internal/conditions"
	"github.com/fleetgate/fleetgate/operator/internal/status"
)

// printedStatus is a status.Set with each condition on a line of its own.
type printedStatus struct {
	Gateway      *printedGateway      `json:"gateway,omitempty"`
	ListenerSets []printedListenerSet `json:"listenerSets,omitempty"`
	Routes       []printedRoute       `json:"routes,omitempty"`
	// Policies are "namespace/name" with their conditions; the others, too.
	Policies          map[string]map[string]string `json:"policies,omitempty"`
	TrafficPolicies   map[string]map[string]string `json:"trafficPolicies,omitempty"`
	TelemetryPolicies map[string]map[string]string `json:"telemetryPolicies,omitempty"`
	XBackends         map[string]map[string]string `json:"xbackends,omitempty"`
}

type printedGateway struct {
	Addresses  []string          `json:"addresses,omitempty"`
	Conditions map[string]string `json:"conditions"`
	Listeners  []printedListener `json:"listeners"`
	// AttachedListenerSets is left out where there are none.
	AttachedListenerSets int32 `json:"attachedListenerSets,omitempty"`
}

type printedListenerSet struct {
	Name       string            `json:"name"`
	Conditions map[string]string `json:"conditions"`
	Listeners  []printedListener `json:"listeners,omitempty"`
}

type printedListener struct {
	Name           string            `json:"name"`
	SupportedKinds []string          `json:"supportedKinds"`
	AttachedRoutes int32             `json:"attachedRoutes"`
	Conditions     map[string]string `json:"conditions"`
}

type printedRoute struct {
	Name    string          `json:"name"`
	Parents []printedParent `json:"parents"`
}

type printedParent struct {
	ListenerSet string            `json:"listenerSet,omitempty"`
	SectionName string            `json:"sectionName,omitempty"`
	Port        int32             `json:"port,omitempty"`
	Conditions  map[string]string `json:"conditions"`
}

// Status prints a status for review.
func Status(set status.Set) ([]byte, error) {
	var out printedStatus
	if set.Gateway != nil {
		out.Gateway = printGateway(set.Gateway)
	}
	for _, listenerSet := range set.ListenerSets {
		printed := printedListenerSet{Name: listenerSet.Name.String(), Conditions: printConditions(listenerSet.Conditions)}
		for _, listener := range listenerSet.Listeners {
			printed.Listeners = append(printed.Listeners, printListener(listener))
		}
		out.ListenerSets = append(out.ListenerSets, printed)
	}
	for _, route := range set.Routes {
		printed := printedRoute{Name: route.Kind + " " + route.Name.String()}
		for _, parent := range route.Parents {
			p := printedParent{Conditions: printConditions(parent.Conditions)}
			if kind := parent.ParentRef.Kind; kind != nil && *kind == "ListenerSet" {
				p.ListenerSet = string(parent.ParentRef.Name)
			}
			if parent.ParentRef.SectionName != nil {
				p.SectionName = string(*parent.ParentRef.SectionName)
			}
			if parent.ParentRef.Port != nil {
				p.Port = *parent.ParentRef.Port
			}
			printed.Parents = append(printed.Parents, p)
		}
		out.Routes = append(out.Routes, printed)
	}
	for i := range set.Policies {
		into := &out.Policies
		switch set.Policies[i].Kind {
		case "XBackendTrafficPolicy":
			into = &out.TrafficPolicies
		case "XBackend":
			into = &out.XBackends
		case "XTelemetryPolicy":
			into = &out.TelemetryPolicies
		}
		if *into == nil {
			*into = make(map[string]map[string]string)
		}
		(*into)[set.Policies[i].Name.String()] = printConditions(set.Policies[i].Ancestor.Conditions)
	}
	return yaml.Marshal(out)
}

func printGateway(gateway *status.Gateway) *printedGateway {
	out := &printedGateway{Conditions: printConditions(gateway.Conditions)}
	// It is told where it is not as usual.
	if assigned := conditions.Find(gateway.Conditions, string(gatewayv1.GatewayConditionAddressesAssigned)); assigned != nil && assigned.Status == metav1.ConditionTrue && len(gateway.Addresses) == 1 {
		delete(out.Conditions, assigned.Type)
	}
	for _, address := range gateway.Addresses {
		typ := gatewayv1.IPAddressType
		if address.Type != nil {
			typ = *address.Type
		}
		text := fmt.Sprintf("%s %s", typ, address.Value)
		if address.Routability != nil && *address.Routability != "" {
			text += " (" + string(*address.Routability) + ")"
		}
		out.Addresses = append(out.Addresses, text)
	}
	for _, listener := range gateway.Listeners {
		out.Listeners = append(out.Listeners, printListener(listener))
	}
	if gateway.AttachedListenerSets != nil {
		out.AttachedListenerSets = *gateway.AttachedListenerSets
	}
	return out
}

func printListener(listener gatewayv1.ListenerStatus) printedListener {
	printed := printedListener{
		Name:           string(listener.Name),
		SupportedKinds: []string{},
		AttachedRoutes: listener.AttachedRoutes,
		Conditions:     printConditions(listener.Conditions),
	}
	for _, kind := range listener.SupportedKinds {
		printed.SupportedKinds = append(printed.SupportedKinds, string(kind.Kind))
	}
	return printed
}

func printConditions(list []metav1.Condition) map[string]string {
	out := make(map[string]string, len(list))
	for _, c := range list {
		out[c.Type] = fmt.Sprintf("%s %s (generation %d): %s", c.Status, c.Reason, c.ObservedGeneration, c.Message)
	}
	return out
}

// Objects prints objects as documents, without the empty status that a Go
// struct cannot leave out.
func Objects(objects []client.Object) ([]byte, error) {
	var out bytes.Buffer
	for _, object := range objects {
		text, err := yaml.Marshal(object)
		if err != nil {
			return nil, err
		}
		var fields map[string]any
		if err := yaml.Unmarshal(text, &fields); err != nil {
			return nil, err
		}
		delete(fields, "status")
		if text, err = yaml.Marshal(fields); err != nil {
			return nil, err
		}
		out.WriteString("---\n")
		out.Write(text)
	}
	return out.Bytes(), nil
}
