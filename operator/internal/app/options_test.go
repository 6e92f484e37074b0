package app

import (
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/fleetgate/fleetgate/operator/internal/provision"
)

func environment(variables map[string]string) func(string) string {
	return func(name string) string { return variables[name] }
}

var images = map[string]string{"RELATED_IMAGE_PROXY": "proxy", "RELATED_IMAGE_SENSOR": "sensor"}

func TestParseDefaults(t *testing.T) {
	opts, err := Parse(nil, environment(images), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if opts.MetricsAddress != ":8443" || opts.ControllerName != "fleetgate.io/gateway-controller" ||
		!opts.MetricsSecure || opts.HealthAddress != ":8081" || opts.LeaderElect {
		t.Errorf("got %+v", opts)
	}
	want := provision.Settings{
		ProxyImage: "proxy", SensorImage: "sensor", Replicas: 2, Sensor: "auto", ServiceType: "LoadBalancer",
		AccessLog: "off", OperatorNamespace: "fleetgate-system",
	}
	if got := opts.Fleet; got.ServiceMonitorLabels != nil || got.ProxyImage != want.ProxyImage || got.SensorImage != want.SensorImage ||
		got.Replicas != want.Replicas || got.Sensor != want.Sensor || got.ServiceType != want.ServiceType ||
		got.AccessLog != want.AccessLog || got.OperatorNamespace != want.OperatorNamespace {
		t.Errorf("got %+v", got)
	}
	if opts.APIServer.IsValid() {
		t.Errorf("outside a cluster, the API server is %v", opts.APIServer)
	}
}

func TestParseFlags(t *testing.T) {
	variables := map[string]string{
		"POD_NAMESPACE": "gateways", "KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "6443", "RELATED_IMAGE_PROXY": "ignored",
	}
	opts, err := Parse([]string{
		"--proxy-image=p", "--sensor=off", "--replicas=3", "--watch-namespaces=a, b,", "--service-type=ClusterIP",
		"--service-monitor-labels=release=prom,team=x", "--leader-elect", "--metrics-bind-address=0", "--cluster-domain=Corp.", "--node-agent-port=19003",
		"--controller-name=example.com/second",
	}, environment(variables), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if opts.Fleet.ProxyImage != "p" || opts.Fleet.Replicas != 3 || opts.Fleet.ServiceMonitorLabels["release"] != "prom" ||
		opts.Fleet.ServiceMonitorLabels["team"] != "x" || opts.Fleet.OperatorNamespace != "gateways" {
		t.Errorf("got %+v", opts.Fleet)
	}
	if opts.Fleet.NodeAgentPort != 19003 {
		t.Errorf("the agents' port is %d", opts.Fleet.NodeAgentPort)
	}
	if got := graphOptions(opts).ControllerName; got != "example.com/second" || opts.ControllerName != got {
		t.Errorf("the controller is %q, and of GatewayClasses it is %q", opts.ControllerName, got)
	}
	if got := graphOptions(opts).ClusterDomain; got != "corp" {
		t.Errorf("the cluster's domain is %q", got)
	}
	if !slices.Equal(opts.WatchNamespaces, []string{"a", "b"}) || opts.APIServer.String() != "10.96.0.1:6443" || !opts.LeaderElect {
		t.Errorf("got %+v", opts)
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct{ arg, want string }{
		{"--replicas=0x", "replicas"},
		{"--replicas=-1", "replicas"},
		{"--sensor=loud", "sensor"},
		{"--node-agent-port=65536", "node-agent-port"},
		{"--service-type=ExternalName", "service-type"},
		{"--access-log=xml", "access-log"},
		{"--log-level=trace", "log-level"},
		{"--controller-name=gateways", "controller-name"},
		{"--cluster-domain=a b", "cluster-domain"},
		{"--host-cgroup=sys/fs/cgroup", "absolute"},
		{"--service-monitor-labels=prom", "key=value"},
		{"--sensor-image=", "sensor-image"},
		{"--proxy-image=", "proxy-image"},
		{"more", "unexpected"},
	}
	for _, tt := range tests {
		if _, err := Parse([]string{tt.arg}, environment(images), io.Discard); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v", tt.arg, err)
		}
	}
}

func TestWhatNoRouteMayLeadTo(t *testing.T) {
	opts, err := Parse([]string{"--proxy-image=p", "--sensor=off", "--metrics-bind-address=:9443"}, environment(map[string]string{
		"KUBERNETES_SERVICE_HOST": "10.96.0.1", "POD_IPS": "10.1.0.5,fd00::5", "NODE_IP": "10.0.0.7",
	}), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	rules := forbidden(opts)
	for address, want := range map[string]bool{
		"10.96.0.1:443": true, "10.1.0.5:9443": true, "[fd00::5]:9443": true, "10.1.0.5:8081": true, "10.0.0.7:10250": true,
		"10.1.0.5:8443": false, "10.0.0.7:9443": false, "10.1.0.6:9443": false,
	} {
		if got := rules.Why(netip.MustParseAddrPort(address)) != ""; got != want {
			t.Errorf("%s is forbidden: %t, want %t", address, got, want)
		}
	}
	opts.MetricsAddress = "0"
	if why := forbidden(opts); why.Why(netip.MustParseAddrPort("10.1.0.5:9443")) != "" {
		t.Error("a port is forbidden that nothing listens on")
	}
}
