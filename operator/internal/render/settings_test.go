package render

import (
	"encoding/json"
	"testing"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/yaml"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/api/v1alpha1"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
	"github.com/fleetgate/fleetgate/operator/internal/parameters"
)

// gatewayWith is a graph of a Gateway with parameters, as users write them.
func gatewayWith(t *testing.T, spec string) *graph.Graph {
	t.Helper()
	var s v1alpha1.GatewayParametersSpec
	if err := yaml.UnmarshalStrict([]byte(spec), &s); err != nil {
		t.Fatal(err)
	}
	return &graph.Graph{Gateway: &graph.Gateway{Source: &gatewayv1.Gateway{}, Parameters: parameters.Effective{Spec: s}}}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestSettings(t *testing.T) {
	for name, tt := range map[string]struct{ spec, want string }{
		"nothing":        {`{}`, `{}`},
		"only the pod's": {`proxy: {loops: 3, drainTimeout: 9s, image: x}`, `{}`},
		"empty objects":  {`proxy: {accessLog: {}, limits: {}, timeouts: {}}`, `{}`},
		"log level":      {`proxy: {logLevel: debug}`, `{"settings":{"logLevel":"debug"}}`},
		"access log":     {`proxy: {accessLog: {format: JSON, samplePercent: 5}}`, `{"settings":{"accessLog":{"format":"json","samplePercent":5}}}`},
		"slow requests":  {`proxy: {accessLog: {slowThreshold: 250ms}}`, `{"settings":{"accessLog":{"slowMillis":250}}}`},
		"none is slow":   {`proxy: {accessLog: {slowThreshold: 0s}}`, `{"settings":{"accessLog":{"slowMillis":0}}}`},
		"hardly slow":    {`proxy: {accessLog: {slowThreshold: 2h}}`, `{"settings":{"accessLog":{"slowMillis":3600000}}}`},
		"no access log":  {`proxy: {accessLog: {format: "Disabled"}}`, `{"settings":{"accessLog":{"format":"off"}}}`},
		"chosen fields":  {`proxy: {accessLog: {fields: [status, route]}}`, `{"settings":{"accessLog":{"fields":["status","route"]}}}`},
		"failures alone": {`proxy: {accessLog: {format: Text, samplePercent: 0}}`, `{"settings":{"accessLog":{"format":"text","samplePercent":0}}}`},
		"trusted hops":   {`proxy: {trustedHops: 2}`, `{"settings":{"trustedHops":2}}`},
		"no hop":         {`proxy: {trustedHops: 0}`, `{"settings":{"trustedHops":0}}`},
		"limits": {`proxy: {limits: {maxConnections: 20, maxConnectionsPerPort: 10}}`,
			`{"settings":{"limits":{"maxConnections":20,"maxConnectionsPerPort":10}}}`},
		"timeouts": {`proxy: {timeouts: {requestHead: 1s, requestBodyIdle: 2s, responseIdle: 3s, keepAlive: 4s, tunnelIdle: 1h, backendConnect: 500ms, backendIdle: 6s, backendKeepAlive: 1m30s}}`,
			`{"settings":{"timeouts":{"requestHeadMillis":1000,"requestBodyIdleMillis":2000,"responseIdleMillis":3000,"keepAliveMillis":4000,` +
				`"tunnelIdleMillis":3600000,"backendConnectMillis":500,"backendIdleMillis":6000,"backendKeepAliveMillis":90000}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			config := Config(gatewayWith(t, tt.spec))
			if got := asJSON(t, config); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			for _, refused := range proxyconfig.Validate(&config) {
				t.Errorf("a proxy refuses %+v", refused)
			}
		})
	}
}

// What an installation logs by default is below what a Gateway's parameters say.
func TestLogByDefault(t *testing.T) {
	for name, tt := range map[string]struct{ spec, format, want string }{
		"nothing":                {`{}`, "", `{}`},
		"off":                    {`{}`, "off", `{}`},
		"json":                   {`{}`, "json", `{"settings":{"accessLog":{"format":"json"}}}`},
		"a Gateway without":      {`proxy: {accessLog: {format: "Disabled"}}`, "json", `{"settings":{"accessLog":{"format":"off"}}}`},
		"a Gateway with another": {`proxy: {accessLog: {format: Text}}`, "json", `{"settings":{"accessLog":{"format":"text"}}}`},
		"a share of the default": {`proxy: {accessLog: {samplePercent: 1}}`, "json", `{"settings":{"accessLog":{"format":"json","samplePercent":1}}}`},
		"beside other settings":  {`proxy: {trustedHops: 1}`, "text", `{"settings":{"accessLog":{"format":"text"},"trustedHops":1}}`},
	} {
		t.Run(name, func(t *testing.T) {
			config := Config(gatewayWith(t, tt.spec))
			LogByDefault(&config, tt.format)
			if got := asJSON(t, config); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}
