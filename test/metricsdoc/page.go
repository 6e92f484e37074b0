package main

import (
	"fmt"
	"strings"
)

const head = `<!-- Code generated from the descriptions of the metrics. DO NOT EDIT. -->

# Metrics

What Prometheus gets of Fleetgate. A Gateway's proxies and sensors are found by the ServiceMonitor that the operator makes,
which gives each series the labels ` + "`namespace`, `pod`, `gateway_networking_k8s_io_gateway_name` and" + `
` + "`gateway_networking_k8s_io_gateway_class_name`" + `; the condition ` + "`fleetgate.io/Scraped`" + ` of a Gateway says which Prometheus does. The
operator's ServiceMonitor, rules and dashboards are in ` + "`config/prometheus`" + `.

Routes are ` + "`namespace/name`" + `. The first 48 pairs of listener and route to have requests are told apart; all others share the route
` + "`*`" + `, and requests that no route took have ` + "`-`" + `. A route that is gone takes its series along. No label has a value that a client
chooses. Names do not say which program a sum counts: those of proxies begin with ` + "`fleetgate_proxy_`" + `, those of the operator with
` + "`fleetgate_operator_`" + `, those of the agents of nodes with ` + "`fleetgate_node_agent_`" + `, and all others are the sensors', who count the
same requests again.
`

func page(parts []part) string {
	var b strings.Builder
	b.WriteString(head)
	for _, p := range parts {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| metric | type | labels | what it is |\n|---|---|---|---|\n", p.title, p.about)
		for _, m := range p.metrics {
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.name, m.kind, labels(m.labels), strings.ReplaceAll(m.help, "|", `\|`))
		}
	}
	return b.String()
}

func labels(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = "`" + name + "`"
	}
	return strings.Join(quoted, ", ")
}
