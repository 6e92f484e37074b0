package status

import (
	"fmt"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
)

// item identifies a part of a configuration.
type item struct {
	kind, name string
	// routeKind is set for routes and rules, by proxies that tell it.
	routeKind string
	rule      int
}

// refusedItems are the reasons for which proxies refused parts of their
// configuration.
type refusedItems map[item]string

// indexRefused keeps one reason of each item: the proxies of a fleet run the
// same program, and refuse for the same reason.
func indexRefused(list []proxyconfig.RefusedItem) refusedItems {
	index := make(refusedItems, len(list))
	for _, refused := range list {
		key := item{kind: refused.Kind, name: refused.Name, routeKind: refused.RouteKind, rule: refused.Rule}
		if have, known := index[key]; !known || refused.Reason < have {
			index[key] = refused.Reason
		}
	}
	return index
}

// route returns why proxies refuse the route, or one of its rules. What a proxy
// says without the kind of the route may be about any route of the name.
func (r refusedItems) route(kind string, route *graph.Route, rule int) (string, bool) {
	if len(r) == 0 {
		return "", false
	}
	key := item{kind: kind, name: route.Name.String(), routeKind: route.Kind, rule: rule}
	why, bad := r[key]
	if !bad {
		key.routeKind = ""
		why, bad = r[key]
	}
	return why, bad
}

// elsewhere are the refused items that no listener and no route speaks of.
func elsewhere(list []proxyconfig.RefusedItem) []string {
	var messages []string
	for _, refused := range list {
		switch refused.Kind {
		case proxyconfig.KindListener, proxyconfig.KindCertificate, proxyconfig.KindRoute, proxyconfig.KindRule:
		default:
			messages = append(messages, fmt.Sprintf("proxies refuse %s %s: %s", refused.Kind, refused.Name, refused.Reason))
		}
	}
	return messages
}
