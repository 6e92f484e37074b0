package provision

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/yaml"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"

	"github.com/fleetgate/fleetgate/operator/internal/graph"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

const controllerName = "fleetgate.io/gateway-controller"

// desired returns the objects of a Gateway with the parameters, which are YAML.
func desired(t *testing.T, settings Settings, parameters string) []client.Object {
	t.Helper()
	gw := &gatewayv1.Gateway{}
	gw.Namespace, gw.Name, gw.UID = "shop", "web", "uid"
	gw.Spec.GatewayClassName = "fleetgate"
	gw.Spec.Listeners = []gatewayv1.Listener{{Name: "http", Port: 80, Protocol: gatewayv1.HTTPProtocolType}}
	class := &gatewayv1.GatewayClass{}
	class.Name, class.Spec.ControllerName = "fleetgate", controllerName
	g := graph.Build(&store.Resources{Gateway: gw, Class: class}, graph.Options{ControllerName: controllerName})
	if err := yaml.UnmarshalStrict([]byte(parameters), &g.Gateway.Parameters.Spec); err != nil {
		t.Fatal(err)
	}
	settings.ProxyImage, settings.SensorImage, settings.ServiceMonitor = "proxy:1", "sensor:1", true
	result := Desired(g, settings)
	if len(result.Objects) == 0 || len(result.Refused) > 0 {
		t.Fatalf("got %d objects, refused %v", len(result.Objects), result.Refused)
	}
	return result.Objects
}

// first returns the first object of the type, or its zero value.
func first[T client.Object](objects []client.Object) T {
	for _, object := range objects {
		if found, is := object.(T); is {
			return found
		}
	}
	var none T
	return none
}

// Each case shows one part of the objects that the parameters are about, as YAML.
func TestParametersBecomeObjects(t *testing.T) {
	type objects = []client.Object
	deployment := func(o objects) any { return first[*appsv1.Deployment](o).Spec.Template.Spec }
	pod := func(show func(corev1.PodSpec) any) func(objects) any {
		return func(o objects) any { return show(deployment(o).(corev1.PodSpec)) }
	}
	service := func(show func(*corev1.Service) any) func(objects) any {
		return func(o objects) any { return show(first[*corev1.Service](o)) }
	}
	budget := func(o objects) any {
		if b := first[*policyv1.PodDisruptionBudget](o); b != nil {
			return []any{b.Spec.MinAvailable, b.Spec.MaxUnavailable}
		}
		return "none"
	}
	autoscaler := func(o objects) any {
		h := first[*autoscalingv2.HorizontalPodAutoscaler](o)
		if h == nil {
			return "none"
		}
		out := []any{*h.Spec.MinReplicas, h.Spec.MaxReplicas}
		for _, metric := range h.Spec.Metrics {
			out = append(out, metric.Resource.Name, *metric.Resource.Target.AverageUtilization)
		}
		return out
	}
	replicas := func(o objects) any {
		d := first[*appsv1.Deployment](o)
		return []any{*d.Spec.Replicas, d.Annotations["fleetgate.io/replicas"]}
	}
	pace := func(o objects) any {
		if d := first[*appsv1.Deployment](o); d != nil {
			return []any{d.Spec.Strategy.RollingUpdate.MaxSurge, d.Spec.Strategy.RollingUpdate.MaxUnavailable}
		}
		d := first[*appsv1.DaemonSet](o)
		return []any{"DaemonSet", d.Spec.UpdateStrategy.RollingUpdate.MaxSurge, d.Spec.UpdateStrategy.RollingUpdate.MaxUnavailable}
	}
	labels := func(o objects) any { return first[*appsv1.Deployment](o).Spec.Template.Labels }
	annotations := func(o objects) any { return first[*appsv1.Deployment](o).Spec.Template.Annotations }
	drain := pod(func(p corev1.PodSpec) any { return []any{p.Containers[0].Args[8], *p.TerminationGracePeriodSeconds} })
	spread := pod(func(p corev1.PodSpec) any {
		var out []any
		for _, c := range p.TopologySpreadConstraints {
			out = append(out, c.TopologyKey, len(c.LabelSelector.MatchLabels), c.MatchLabelKeys)
		}
		return out
	})
	images := pod(func(p corev1.PodSpec) any {
		var out []any
		for _, c := range p.Containers {
			out = append(out, c.Image, c.ImagePullPolicy)
		}
		return out
	})
	series := pod(func(p corev1.PodSpec) any {
		out := []any{}
		for _, c := range p.Containers {
			if last := c.Args[len(c.Args)-1]; strings.HasPrefix(last, "--max-series") {
				out = append(out, last)
			}
		}
		return out
	})
	monitor := func(o objects) any {
		m := first[*monitoringv1.ServiceMonitor](o)
		if m == nil {
			return "none"
		}
		return []any{m.Labels["release"], m.Labels["app.kubernetes.io/name"], m.Spec.Endpoints[0]}
	}
	exposed := service(func(s *corev1.Service) any {
		return []any{s.Spec.Type, s.Spec.LoadBalancerClass, s.Spec.LoadBalancerSourceRanges, s.Spec.ExternalTrafficPolicy, s.Spec.Ports[0].NodePort}
	})
	const exposure = `loadBalancerClass: metal, loadBalancerSourceRanges: [192.0.2.0/24], externalTrafficPolicy: Local, nodePorts: [{port: 80, protocol: TCP, nodePort: 30080}, {port: 81, nodePort: 30081}]`

	tests := []struct {
		name, parameters string
		show             func(objects) any
		want             string
	}{
		{"without parameters there are two replicas", ``, replicas, `[2, "2"]`},
		{"none can be asked for", `{workload: {replicas: 0}}`, replicas, `[0, "0"]`},
		{"an autoscaler begins with its minimum at least", `{workload: {replicas: 1, autoscaling: {minReplicas: 3}}}`, replicas, `[3, autoscaled]`},
		{"and with its maximum at most", `{workload: {replicas: 9, autoscaling: {maxReplicas: 4}}}`, replicas, `[4, autoscaled]`},
		{"without parameters nothing scales", ``, autoscaler, `none`},
		{"an autoscaler has defaults", `{workload: {autoscaling: {}}}`, autoscaler, `[2, 10, cpu, 80]`},
		{"the maximum follows the minimum", `{workload: {autoscaling: {minReplicas: 20, targetMemoryPercent: 70}}}`, autoscaler, `[20, 20, memory, 70]`},
		{"the minimum follows the maximum", `{workload: {autoscaling: {maxReplicas: 1, targetCPUPercent: 50, targetMemoryPercent: 70}}}`, autoscaler, `[1, 1, cpu, 50, memory, 70]`},
		{"a Gateway turns off what its class has", `{workload: {autoscaling: {disabled: true, minReplicas: 3}}}`, autoscaler, `none`},
		{"a DaemonSet is not scaled", `{workload: {kind: DaemonSet, autoscaling: {}}}`, autoscaler, `none`},

		{"programs know how many series they may have", ``, series, `[]`},
		{"more series are shared", `{monitoring: {maxSeries: 1000}}`, series, `[--max-series=400, --max-series=600]`},

		{"a proxy goes after its successor is there", ``, pace, `[1, 0]`},
		{"a pace that is set", `{workload: {updateStrategy: {maxSurge: 25%, maxUnavailable: 2}}}`, pace, `[25%, 2]`},
		{"without a surge one is missing", `{workload: {updateStrategy: {maxSurge: 0}}}`, pace, `[0, 1]`},
		{"a DaemonSet surges", `{workload: {kind: DaemonSet}}`, pace, `[DaemonSet, 1, 0]`},
		{"or lacks some", `{workload: {kind: DaemonSet, updateStrategy: {maxUnavailable: 10%}}}`, pace, `[DaemonSet, 0, 10%]`},

		{"a drain of nodes takes one", ``, budget, `[null, 1]`},
		{"or what is said", `{workload: {disruptionBudget: {minAvailable: 50%}}}`, budget, `[50%, null]`},
		{"or any", `{workload: {disruptionBudget: {disabled: true}}}`, budget, `none`},
		{"a DaemonSet has no budget", `{workload: {kind: DaemonSet, disruptionBudget: {maxUnavailable: 1}}}`, budget, `none`},
		{"that is no number", `{workload: {kind: DaemonSet, disruptionBudget: {minAvailable: 50%}}}`, budget, `none`},
		{"but one that is", `{workload: {kind: DaemonSet, disruptionBudget: {minAvailable: 2}}}`, budget, `[2, null]`},

		{"labels of users are beside ours", `{pod: {labels: {team: a, app.kubernetes.io/name: mine}}}`, labels,
			`{app.kubernetes.io/managed-by: fleetgate, app.kubernetes.io/name: fleetgate-proxy, gateway.networking.k8s.io/gateway-class-name: fleetgate, gateway.networking.k8s.io/gateway-name: web, team: a}`},
		{"an annotation takes no confinement away", `{pod: {annotations: {a: b, container.apparmor.security.beta.kubernetes.io/proxy: unconfined}}}`, annotations, `{a: b}`},
		{"places", `{pod: {nodeSelector: {a: b}, priorityClassName: high, imagePullSecrets: [{name: s}], tolerations: [{key: k}]}}`,
			pod(func(p corev1.PodSpec) any {
				return []any{p.NodeSelector, p.PriorityClassName, p.ImagePullSecrets, p.Tolerations}
			}), `[{a: b}, high, [{name: s}], [{key: k}]]`},
		{"a constraint that names nobody counts the fleet", `{pod: {topologySpreadConstraints: [{topologyKey: rack, maxSkew: 1, whenUnsatisfiable: DoNotSchedule}]}}`, spread,
			`[rack, 3, [pod-template-hash]]`},
		{"no constraint can be asked for", `{pod: {topologySpreadConstraints: []}}`, spread, `null`},

		{"the pod lives a little longer than a drain", ``, drain, `[--drain-timeout=25s, 30]`},
		{"whatever that takes", `{proxy: {drainTimeout: 1500ms}}`, drain, `[--drain-timeout=1.5s, 7]`},
		{"within bounds", `{proxy: {drainTimeout: 1h}}`, drain, `[--drain-timeout=40s, 45]`},
		{"loops", `{proxy: {loops: 3}}`, pod(func(p corev1.PodSpec) any { return slices.Contains(p.Containers[0].Args, "--loops=3") }), `true`},
		{"images", `{proxy: {image: "p:2", imagePullPolicy: Never}, sensor: {image: "s:2"}}`, images, `["p:2", Never, "s:2", Never]`},
		{"resources", `{proxy: {resources: {limits: {cpu: 2}}}, sensor: {resources: {limits: {cpu: 1}}}}`,
			pod(func(p corev1.PodSpec) any { return []any{p.Containers[0].Resources, p.Containers[1].Resources} }), `[{limits: {cpu: "2"}}, {limits: {cpu: "1"}}]`},

		{"a load balancer", `{service: {` + exposure + `}}`, exposed, `[LoadBalancer, metal, [192.0.2.0/24], Local, 30080]`},
		{"a node's port", `{service: {type: NodePort, ` + exposure + `}}`, exposed, `[NodePort, null, null, Local, 30080]`},
		{"an address of the cluster", `{service: {type: ClusterIP, ` + exposure + `}}`, exposed, `[ClusterIP, null, null, "", 0]`},
		{"labels and annotations of the Service", `{service: {labels: {a: b, app.kubernetes.io/managed-by: me}, annotations: {c: d}}}`,
			service(func(s *corev1.Service) any {
				return []any{s.Labels["a"], s.Labels["app.kubernetes.io/managed-by"], s.Annotations}
			}), `[b, fleetgate, {c: d}]`},
		{"families", `{service: {ipFamilies: [IPv6], ipFamilyPolicy: SingleStack}}`,
			service(func(s *corev1.Service) any { return []any{s.Spec.IPFamilies, s.Spec.IPFamilyPolicy} }), `[[IPv6], SingleStack]`},

		{"a ServiceMonitor", `{monitoring: {serviceMonitor: {labels: {release: p, app.kubernetes.io/name: x}, interval: 30s, scrapeTimeout: 5s, relabelings: [{targetLabel: a}], metricRelabelings: [{targetLabel: b}]}}}`, monitor,
			`[p, fleetgate-proxy, {port: proxy-metrics, path: /metrics, interval: 30s, scrapeTimeout: 5s, relabelings: [{targetLabel: a}], metricRelabelings: [{targetLabel: b}]}]`},
		{"no ServiceMonitor", `{monitoring: {serviceMonitor: {disabled: true}}}`, monitor, `none`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.show(desired(t, Settings{}, tt.parameters))
			if diff := cmp.Diff(plain(t, must(yaml.Marshal(got))(t)), plain(t, []byte(tt.want))); diff != "" {
				t.Errorf("-got +want:\n%s", diff)
			}
		})
	}
}

func TestSensor(t *testing.T) {
	tests := []struct {
		name          string
		setting, auto SensorMode
		parameters    string
		want          string
	}{
		{"full if nothing is said", "", "", ``, "full"},
		{"what auto stands for", SensorAuto, SensorUnprivileged, ``, "unprivileged"},
		{"parameters come before the setting", SensorFull, SensorUnprivileged, `{sensor: {mode: Auto}}`, "unprivileged"},
		{"and need no auto", SensorAuto, SensorUnprivileged, `{sensor: {mode: Full}}`, "full"},
		{"off", SensorAuto, SensorFull, `{sensor: {mode: Disabled}}`, "off"},
		{"the host's cgroups are for a full one", SensorFull, "", `{sensor: {hostCgroup: /sys/fs/cgroup}}`, "full with the host's"},
		{"and for no other", SensorFull, "", `{sensor: {mode: Unprivileged, hostCgroup: /sys/fs/cgroup}}`, "unprivileged"},
	}
	for _, tt := range tests {
		got := "off"
		deployment := first[*appsv1.Deployment](desired(t, Settings{Sensor: tt.setting, Auto: tt.auto}, tt.parameters))
		if containers := deployment.Spec.Template.Spec.Containers; len(containers) > 1 {
			got = "unprivileged"
			if len(containers[1].SecurityContext.Capabilities.Add) > 0 {
				got = "full"
			}
		}
		for _, volume := range deployment.Spec.Template.Spec.Volumes {
			if volume.HostPath != nil {
				got += " with the host's"
			}
		}
		if got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

// The agents of nodes are for sensors that may not count by themselves. That their
// certificates are not known replaces no pod.
func TestSensorsAskTheAgentsOfTheirNodes(t *testing.T) {
	const port = 19003
	asks := func(settings Settings) (asks, told bool, pods corev1.PodSpec) {
		objects := desired(t, settings, ``)
		pods = first[*appsv1.Deployment](objects).Spec.Template.Spec
		for i := range pods.Containers {
			asked := AsksAgent(&pods.Containers[i])
			if asked && pods.Containers[i].Name != "sensor" {
				t.Errorf("%s gets the sensor's token", pods.Containers[i].Name)
			}
			asks = asks || asked
		}
		authorities := first[*corev1.ConfigMap](objects)
		return asks, authorities != nil && authorities.Data["ca.crt"] == settings.NodeAgentAuthorities, pods
	}
	for _, tt := range []struct {
		name       string
		settings   Settings
		asks, told bool
	}{
		{"without capabilities", Settings{Sensor: SensorUnprivileged, NodeAgentPort: port, NodeAgentAuthorities: "pem"}, true, true},
		{"by what auto stands for", Settings{Sensor: SensorAuto, Auto: SensorUnprivileged, NodeAgentPort: port, NodeAgentAuthorities: "pem"}, true, true},
		{"while the authorities are not known", Settings{Sensor: SensorUnprivileged, NodeAgentPort: port}, true, false},
		{"with capabilities", Settings{Sensor: SensorFull, NodeAgentPort: port, NodeAgentAuthorities: "pem"}, false, false},
		{"without a sensor", Settings{Sensor: SensorOff, NodeAgentPort: port, NodeAgentAuthorities: "pem"}, false, false},
		{"where nodes have no agents", Settings{Sensor: SensorUnprivileged}, false, false},
	} {
		if asks, told, _ := asks(tt.settings); asks != tt.asks || told != tt.told {
			t.Errorf("%s: it asks: %t, knows the authorities: %t; want %t, %t", tt.name, asks, told, tt.asks, tt.told)
		}
	}
	_, _, known := asks(Settings{Sensor: SensorUnprivileged, NodeAgentPort: port, NodeAgentAuthorities: "pem"})
	_, _, unknown := asks(Settings{Sensor: SensorUnprivileged, NodeAgentPort: port})
	if diff := cmp.Diff(known, unknown); diff != "" {
		t.Errorf("the authorities change the pods:\n%s", diff)
	}
}

// A change between the two kinds of workloads keeps who is selected.
func TestKindsOfWorkloadsDifferInNothingElse(t *testing.T) {
	deployment := first[*appsv1.Deployment](desired(t, Settings{}, ``))
	daemonSet := first[*appsv1.DaemonSet](desired(t, Settings{}, `{workload: {kind: DaemonSet}}`))
	if diff := cmp.Diff(deployment.Spec.Selector, daemonSet.Spec.Selector); diff != "" {
		t.Error(diff)
	}
	// The places of a DaemonSet's pods are fixed.
	deployment.Spec.Template.Spec.TopologySpreadConstraints = nil
	if diff := cmp.Diff(deployment.Spec.Template, daemonSet.Spec.Template); diff != "" {
		t.Error(diff)
	}
}

func plain(t *testing.T, text []byte) any {
	t.Helper()
	var out any
	if err := yaml.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func must[T any](got T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
}
