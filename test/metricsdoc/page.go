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

One pod has at most 500 series, its proxy and its sensor together and those of Go and the process among them, however many
routes, backends and listeners there are; ` + "`spec.monitoring.maxSeries`" + ` of the [GatewayParameters](gatewayparameters.md) has it
otherwise. The proxy gets two fifths of them, the sensor three. The busiest are told apart by name as far as there is room, and
the others share one: ` + "`*`" + ` with proxies, whose requests that no route took have ` + "`-`" + `, and ` + "`other`" + ` with sensors.
With two listeners the proxy has room for twenty routes that are answered in three ways, such as 2xx, 4xx and 5xx, and for more
of those with fewer; the sensor, which tells durations and bytes of each, for two to eight. So ask the proxy which routes are
busy or fail, and the sensor what the busiest of them take.

- Who has a name keeps it, so that series are continuous: until it is gone; until it has had nothing to count for an hour, and
  another one waits; or until there is no room for all that have one, when the least busy give way.
- No counter ever goes back. What gets its name later begins at zero, and leaves to the others' series what it had before. A
  name that ends takes its series along, and what comes after is counted among the others. So ` + "`rate()`" + ` over all series of a
  metric is exact at any time.

Routes are ` + "`namespace/name`" + `. No label has a value that a client chooses. Names do not say which program a sum counts: those
of proxies begin with ` + "`fleetgate_proxy_`" + `, those of the operator with ` + "`fleetgate_operator_`" + `, those of the agents of
nodes with ` + "`fleetgate_node_agent_`" + `, and all others are the sensors', who count the same requests again.
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
