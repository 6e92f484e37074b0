package status

import (
	"fmt"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// item identifies a part of a configuration.
type item struct {
	kind, name string
	rule       int
}

// refusedItems are the reasons for which proxies refused parts of their
// configuration.
type refusedItems map[item]string

// indexRefused keeps one reason of each item: the proxies of a fleet run the
// same program, and refuse for the same reason.
func indexRefused(list []proxyconfig.RefusedItem) refusedItems {
	index := make(refusedItems, len(list))
	for _, refused := range list {
		key := item{kind: refused.Kind, name: refused.Name, rule: refused.Rule}
		if have, known := index[key]; !known || refused.Reason < have {
			index[key] = refused.Reason
		}
	}
	return index
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
