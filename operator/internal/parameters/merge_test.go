package parameters

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
)

// specOf reads a layer; empty text is no layer.
func specOf(t *testing.T, text string) *v1alpha1.GatewayParametersSpec {
	t.Helper()
	if text == "" {
		return nil
	}
	spec := &v1alpha1.GatewayParametersSpec{}
	if err := yaml.UnmarshalStrict([]byte(text), spec); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return spec
}

func textOf(t *testing.T, spec any) string {
	t.Helper()
	text, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func refusalsOf(list []Refusal) []string {
	var lines []string
	for _, r := range list {
		lines = append(lines, string(r.Layer)+" "+r.Field+": "+r.Message)
	}
	return lines
}

func TestMerge(t *testing.T) {
	for _, test := range []struct {
		name, class, gateway string
		want                 string
		refused              []string
	}{
		{name: "nothing", want: `{}`},
		{
			name: "what only the class says", class: `{workload: {replicas: 3}, pod: {labels: {team: a}}}`,
			want: `{"workload":{"replicas":3},"pod":{"labels":{"team":"a"}}}`,
		},
		{
			name:    "objects and maps are merged",
			class:   `{workload: {replicas: 3, autoscaling: {minReplicas: 2}}, pod: {labels: {team: a, tier: x}}}`,
			gateway: `{workload: {autoscaling: {maxReplicas: 5}}, pod: {labels: {team: b}}}`,
			want:    `{"workload":{"replicas":3,"autoscaling":{"minReplicas":2,"maxReplicas":5}},"pod":{"labels":{"team":"b","tier":"x"}}}`,
		},
		{
			name:    "lists are replaced",
			class:   `{service: {loadBalancerSourceRanges: [192.0.2.0/24, 198.51.100.0/24]}}`,
			gateway: `{service: {loadBalancerSourceRanges: ["2001:db8::/32"]}}`,
			want:    `{"service":{"loadBalancerSourceRanges":["2001:db8::/32"]}}`,
		},
		{
			name:    "quantities are merged by resource",
			class:   `{proxy: {resources: {requests: {cpu: 100m, memory: 64Mi}}}}`,
			gateway: `{proxy: {resources: {requests: {cpu: "1"}}}}`,
			want:    `{"proxy":{"resources":{"requests":{"cpu":"1","memory":"64Mi"}}}}`,
		},
		{
			name:    "a value that stands for nothing still counts",
			class:   `{workload: {autoscaling: {minReplicas: 3}}, proxy: {accessLog: {samplePercent: 10}}}`,
			gateway: `{workload: {replicas: 0, autoscaling: {disabled: true}}, proxy: {accessLog: {samplePercent: 0}}}`,
			want:    `{"workload":{"replicas":0,"autoscaling":{"disabled":true,"minReplicas":3}},"proxy":{"accessLog":{"samplePercent":0}}}`,
		},
		{
			name:    "a reserved field",
			class:   `{reserved: [workload.replicas], workload: {replicas: 3}}`,
			gateway: `{workload: {replicas: 50, updateStrategy: {maxSurge: 25%}}}`,
			want:    `{"workload":{"replicas":3,"updateStrategy":{"maxSurge":"25%"}}}`,
			refused: []string{"Gateway workload.replicas: it is reserved to the GatewayClass"},
		},
		{
			name:    "a reserved subtree, and one that the class does not set itself",
			class:   `{reserved: [service, proxy.timeouts, pod.labels.team], service: {type: ClusterIP}}`,
			gateway: `{service: {type: NodePort, annotations: {a: b}}, proxy: {timeouts: {keepAlive: 5s}, trustedHops: 1}, pod: {labels: {team: b, tier: c}}}`,
			want:    `{"pod":{"labels":{"tier":"c"}},"proxy":{"trustedHops":1},"service":{"type":"ClusterIP"}}`,
			refused: []string{
				"Gateway service: it is reserved to the GatewayClass",
				"Gateway proxy.timeouts: it is reserved to the GatewayClass",
				"Gateway pod.labels.team: it is reserved to the GatewayClass",
			},
		},
		{
			name:    "an object without fields is nothing that could be refused",
			class:   `{reserved: [service]}`,
			gateway: `{service: {}}`,
			want:    `{}`,
		},
		{
			name: "an autoscaler without settings is one", class: `{reserved: [workload.autoscaling]}`, gateway: `{workload: {autoscaling: {}}}`,
			want: `{}`, refused: []string{"Gateway workload.autoscaling: it is reserved to the GatewayClass"},
		},
		{name: "one that is not reserved", gateway: `{workload: {autoscaling: {}}}`, want: `{"workload":{"autoscaling":{}}}`},
		{
			name:    "a reserved path that leads nowhere",
			class:   `{reserved: [workload.replica, service.nodePorts.port, pod.labels.team, proxy.resources.limits.cpu], workload: {replicas: 3}}`,
			gateway: `{workload: {replicas: 5}}`,
			want:    `{"workload":{"replicas":5}}`,
			refused: []string{
				"GatewayClass reserved[0]: spec has no field workload.replica, or it lies within a list",
				"GatewayClass reserved[1]: spec has no field service.nodePorts.port, or it lies within a list",
			},
		},
		{
			name:    "a Gateway reserves nothing",
			gateway: `{reserved: [workload.replicas], workload: {replicas: 5}}`,
			want:    `{"workload":{"replicas":5}}`,
			refused: []string{"Gateway reserved: it is read in the parameters of a GatewayClass alone"},
		},
		{
			name:    "images and the sensor's access are a class's",
			class:   `{proxy: {image: "a:1"}, sensor: {mode: Full}}`,
			gateway: `{proxy: {image: "evil:1", imagePullPolicy: Always}, sensor: {image: "evil:2", hostCgroup: /sys, mode: Full}}`,
			want:    `{"proxy":{"image":"a:1","imagePullPolicy":"Always"},"sensor":{"mode":"Full"}}`,
			refused: []string{
				"Gateway proxy.image: it is for a GatewayClass alone",
				"Gateway sensor.image: it is for a GatewayClass alone",
				"Gateway sensor.hostCgroup: it is for a GatewayClass alone",
				"Gateway sensor.mode: a Gateway may set Unprivileged and Disabled; Auto and Full are for a GatewayClass alone",
			},
		},
		{
			name: "a Gateway may have less of a sensor", class: `{sensor: {mode: Full}}`, gateway: `{sensor: {mode: "Disabled"}}`,
			want: `{"sensor":{"mode":"Disabled"}}`,
		},
		{
			name:    "a bad value leaves that of the layer below",
			class:   `{proxy: {drainTimeout: 30s}}`,
			gateway: `{proxy: {drainTimeout: 41s, logLevel: debug}}`,
			want:    `{"proxy":{"drainTimeout":"30s","logLevel":"debug"}}`,
			refused: []string{"Gateway proxy.drainTimeout: 41s is not from 1ms to 40s"},
		},
		{
			name:    "a limit of the Gateway against a request of the class",
			class:   `{proxy: {resources: {requests: {cpu: 500m}}}}`,
			gateway: `{proxy: {resources: {limits: {cpu: 100m, memory: 1Gi}}}}`,
			want:    `{"proxy":{"resources":{"limits":{"memory":"1Gi"},"requests":{"cpu":"500m"}}}}`,
			refused: []string{"Gateway proxy.resources.limits.cpu: the request of cpu, 500m, is more than the limit of 100m"},
		},
		{
			name:    "fewer replicas at most than the class has at least",
			class:   `{workload: {autoscaling: {minReplicas: 5}}}`,
			gateway: `{workload: {autoscaling: {maxReplicas: 3, targetCPUPercent: 60}}}`,
			want:    `{"workload":{"autoscaling":{"minReplicas":5,"targetCPUPercent":60}}}`,
			refused: []string{"Gateway workload.autoscaling.maxReplicas: minReplicas 5 is more than maxReplicas 3"},
		},
		{
			name:    "a DaemonSet over an autoscaled class",
			class:   `{workload: {replicas: 3, autoscaling: {minReplicas: 3}, updateStrategy: {maxSurge: 2}}}`,
			gateway: `{workload: {kind: DaemonSet}}`,
			want:    `{"workload":{"kind":"DaemonSet","updateStrategy":{"maxSurge":2}}}`,
		},
		{
			name:    "a DaemonSet where the class reserves the replicas",
			class:   `{reserved: [workload.autoscaling.maxReplicas], workload: {autoscaling: {maxReplicas: 3}}}`,
			gateway: `{workload: {kind: DaemonSet}}`,
			want:    `{"workload":{"autoscaling":{"maxReplicas":3}}}`,
			refused: []string{"Gateway workload.kind: it would take workload.autoscaling.maxReplicas out of effect, which is reserved to the GatewayClass"},
		},
		{
			name:    "replicas over a class of DaemonSets",
			class:   `{workload: {kind: DaemonSet}}`,
			gateway: `{workload: {replicas: 3, autoscaling: {disabled: true}}}`,
			want:    `{"workload":{"kind":"DaemonSet","autoscaling":{"disabled":true}}}`,
			refused: []string{"Gateway workload.replicas: the fleet is a DaemonSet, which has one proxy on each node"},
		},
		{
			name:    "a DaemonSet with a budget that Kubernetes cannot count",
			class:   `{workload: {kind: DaemonSet, disruptionBudget: {maxUnavailable: 1}}}`,
			gateway: `{workload: {disruptionBudget: {minAvailable: 50%}}}`,
			want:    `{"workload":{"kind":"DaemonSet"}}`,
			refused: []string{
				"GatewayClass workload.disruptionBudget.maxUnavailable: the budget of a DaemonSet is minAvailable as a whole number, and there is none without it",
				"Gateway workload.disruptionBudget.minAvailable: the budget of a DaemonSet is minAvailable as a whole number, and there is none without it",
			},
		},
		{
			name:    "a DaemonSet with one that it can",
			gateway: `{workload: {kind: DaemonSet, disruptionBudget: {minAvailable: 2}}}`,
			want:    `{"workload":{"kind":"DaemonSet","disruptionBudget":{"minAvailable":2}}}`,
		},
		{
			name:    "a DaemonSet over a class with a share",
			class:   `{workload: {disruptionBudget: {minAvailable: 50%}}}`,
			gateway: `{workload: {kind: DaemonSet}}`,
			want:    `{"workload":{"kind":"DaemonSet"}}`,
		},
		{
			name:    "and over one with a number",
			class:   `{workload: {disruptionBudget: {minAvailable: 2}}}`,
			gateway: `{workload: {kind: DaemonSet}}`,
			want:    `{"workload":{"kind":"DaemonSet","disruptionBudget":{"minAvailable":2}}}`,
		},
		{
			name:    "another bound of the disruption budget",
			class:   `{workload: {disruptionBudget: {minAvailable: 50%}}}`,
			gateway: `{workload: {disruptionBudget: {maxUnavailable: 2}}}`,
			want:    `{"workload":{"disruptionBudget":{"maxUnavailable":2}}}`,
		},
		{
			name:    "another kind of health check",
			class:   `{backends: {healthCheck: {type: HTTP, path: /healthz, interval: 5s}}}`,
			gateway: `{backends: {healthCheck: {type: GRPC, service: api}}}`,
			want:    `{"backends":{"healthCheck":{"type":"GRPC","service":"api","interval":"5s"}}}`,
		},
		{
			name:    "a health check whose type is the class's to set",
			class:   `{reserved: [backends.healthCheck.type]}`,
			gateway: `{backends: {healthCheck: {type: TCP, interval: 5s}}}`,
			want:    `{}`,
			refused: []string{
				"Gateway backends.healthCheck.type: it is reserved to the GatewayClass",
				"Gateway backends.healthCheck: no layer says what is checked, in type",
			},
		},
		{
			name:    "another source of the hash",
			class:   `{backends: {hash: {source: Header, name: X-User}}}`,
			gateway: `{backends: {hash: {source: SourceIP}}}`,
			want:    `{"backends":{"hash":{"source":"SourceIP"}}}`,
		},
		{
			name:  "labels and annotations one by one",
			class: `{pod: {labels: {team: a, "bad key": x, long: "` + long + `", app.kubernetes.io/name: mine, fleetgate.io/x: y}, annotations: {example.com/a: "any text", gateway.networking.k8s.io/x: y, /: z}}}`,
			want:  `{"pod":{"labels":{"team":"a"},"annotations":{"example.com/a":"any text"}}}`,
			refused: []string{
				"GatewayClass pod.labels[app.kubernetes.io/name]: the label is Fleetgate's own",
				"GatewayClass pod.labels[bad key]: " + notAKey,
				"GatewayClass pod.labels[fleetgate.io/x]: the label is Fleetgate's own",
				"GatewayClass pod.labels.long: must be no more than 63 bytes",
				"GatewayClass pod.annotations[/]: prefix part must be non-empty; name part must be non-empty; " + notAKey,
				"GatewayClass pod.annotations[gateway.networking.k8s.io/x]: the annotation is Fleetgate's own",
			},
		},
		{
			name: "relabelings lead Prometheus nowhere else",
			gateway: `{monitoring: {serviceMonitor: {interval: 10s, relabelings: [
				{targetLabel: team, replacement: web}, {targetLabel: __param_target, replacement: x}, {targetLabel: __address__, replacement: "other:80"}]}}}`,
			want: `{"monitoring":{"serviceMonitor":{"interval":"10s"}}}`,
			refused: []string{
				"Gateway monitoring.serviceMonitor.relabelings: __param_target is where Prometheus asks, which is the fleet",
			},
		},
		{
			name: "much that is bad at once",
			class: `{workload: {updateStrategy: {maxSurge: 0}, disruptionBudget: {minAvailable: 1, maxUnavailable: 1}},
				proxy: {timeouts: {keepAlive: 0s, requestHead: soon, tunnelIdle: 25h, backendIdle: 24h}},
				backends: {slowStart: 0s, ejection: {baseTime: 40s}, healthCheck: {type: TCP, interval: 1ms, path: /x}},
				service: {loadBalancerSourceRanges: [10.0.0.0], ipFamilies: [IPv4, IPv4], nodePorts: [{port: 80, nodePort: 30000}, {port: 81, nodePort: 30000}]},
				monitoring: {serviceMonitor: {interval: 10s, scrapeTimeout: 1m}}}`,
			want: `{"proxy":{"timeouts":{"backendIdle":"24h"}},"backends":{"healthCheck":{"type":"TCP"},"slowStart":"0s"}}`,
			refused: []string{
				"GatewayClass workload.updateStrategy.maxSurge: no pod could be replaced: maxSurge and maxUnavailable are both 0",
				"GatewayClass workload.disruptionBudget.minAvailable: minAvailable and maxUnavailable exclude each other",
				"GatewayClass workload.disruptionBudget.maxUnavailable: minAvailable and maxUnavailable exclude each other",
				`GatewayClass proxy.timeouts.requestHead: "soon" is not a duration such as 10s`,
				"GatewayClass proxy.timeouts.keepAlive: 0s is not from 1ms to 24h0m0s",
				"GatewayClass proxy.timeouts.tunnelIdle: 25h is not from 1ms to 24h0m0s",
				"GatewayClass backends.ejection.baseTime: baseTime 40s is more than maxTime 30s",
				"GatewayClass backends.healthCheck.interval: 1ms is not from 100ms to 24h0m0s",
				"GatewayClass backends.healthCheck.path: it is for HTTP",
				`GatewayClass service.loadBalancerSourceRanges: "10.0.0.0" is not a network such as 192.0.2.0/24`,
				"GatewayClass service.nodePorts: TCP port 81 or node port 30000 is there twice",
				"GatewayClass service.ipFamilies: IPv4 is there twice",
				"GatewayClass monitoring.serviceMonitor.interval: scrapeTimeout 1m is more than interval 10s",
				"GatewayClass monitoring.serviceMonitor.scrapeTimeout: scrapeTimeout 1m is more than interval 10s",
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, refused := Merge(specOf(t, test.class), specOf(t, test.gateway))
			var want v1alpha1.GatewayParametersSpec
			if err := json.Unmarshal([]byte(test.want), &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(textOf(t, want), textOf(t, got.Spec)); diff != "" {
				t.Errorf("in effect (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.refused, refusalsOf(refused)); diff != "" {
				t.Errorf("refused (-want +got):\n%s", diff)
			}
		})
	}
}

const (
	long    = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	notAKey = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)

func TestOverlaysKeepTheirOrderAndOrigin(t *testing.T) {
	class := specOf(t, `{overlays: [{target: Service, patch: {a: 1}}, {target: Deployment, patch: {b: 2}}]}`)
	gateway := specOf(t, `{overlays: [{target: Service, patch: {c: 3}}]}`)
	got, refused := Merge(class, gateway)
	var lines []string
	for i := range got.Overlays {
		o := &got.Overlays[i]
		lines = append(lines, string(o.Layer)+" "+o.Field()+" "+string(o.Target)+" "+string(o.Patch.Raw))
	}
	want := []string{`GatewayClass overlays[0] Service {"a":1}`, `GatewayClass overlays[1] Deployment {"b":2}`, `Gateway overlays[0] Service {"c":3}`}
	if diff := cmp.Diff(want, lines); diff != "" || len(refused) != 0 || got.Spec.Overlays != nil {
		t.Errorf("overlays (-want +got):\n%s\nrefused: %v; spec has %d", diff, refused, len(got.Spec.Overlays))
	}

	class.Reserved = []v1alpha1.FieldPath{"overlays"}
	got, refused = Merge(class, gateway)
	if diff := cmp.Diff([]string{"Gateway overlays: it is reserved to the GatewayClass"}, refusalsOf(refused)); diff != "" || len(got.Overlays) != 2 {
		t.Errorf("reserved overlays (-want +got):\n%s\n%d are left", diff, len(got.Overlays))
	}
}
