package overlay_test

import (
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/yaml"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
	"github.com/fleetgate/fleetgate/operator/internal/parameters"
	"github.com/fleetgate/fleetgate/operator/internal/provision"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

const controllerName = "fleetgate.io/gateway-controller"

// fleetOf returns the objects of a Gateway that has every kind that an overlay can
// change, and what was refused.
func fleetOf(t testing.TB, sensor provision.SensorMode, kind v1alpha1.WorkloadKind, overlays ...parameters.Overlay) provision.Result {
	t.Helper()
	gw := &gatewayv1.Gateway{}
	gw.Namespace, gw.Name, gw.UID = "shop", "web", "uid"
	gw.Spec.GatewayClassName = "fleetgate"
	gw.Spec.Listeners = []gatewayv1.Listener{{Name: "http", Port: 80, Protocol: gatewayv1.HTTPProtocolType}}
	class := &gatewayv1.GatewayClass{}
	class.Name, class.Spec.ControllerName = "fleetgate", controllerName
	g := graph.Build(&store.Resources{Gateway: gw, Class: class}, graph.Options{ControllerName: controllerName})
	g.Gateway.Parameters = parameters.Effective{
		Spec: v1alpha1.GatewayParametersSpec{Workload: &v1alpha1.WorkloadParameters{
			Kind: &kind, Autoscaling: &v1alpha1.Autoscaling{},
		}},
		Overlays: overlays,
	}
	return provision.Desired(g, provision.Settings{
		ProxyImage: "proxy:1", SensorImage: "sensor:1", ServiceMonitor: true, Sensor: sensor, HostCgroup: "/sys/fs/cgroup",
	})
}

func overlayOf(t testing.TB, layer parameters.Layer, target v1alpha1.OverlayTarget, patch string) parameters.Overlay {
	t.Helper()
	data, err := yaml.YAMLToJSON([]byte(patch))
	if err != nil {
		t.Fatal(err)
	}
	return parameters.Overlay{Layer: layer, Overlay: v1alpha1.Overlay{Target: target, Patch: apiextensionsv1.JSON{Raw: data}}}
}

func workloadOf(objects []client.Object) *corev1.PodTemplateSpec {
	switch workload := provision.Workload(objects).(type) {
	case *appsv1.Deployment:
		return &workload.Spec.Template
	case *appsv1.DaemonSet:
		return &workload.Spec.Template
	}
	return nil
}

const (
	class   = parameters.LayerClass
	gateway = parameters.LayerGateway
)

// pod, proxy and sensor are patches of these.
func pod(patch string) string    { return `{spec: {template: {spec: ` + patch + `}}}` }
func proxy(patch string) string  { return pod(`{containers: [{name: proxy, ` + patch + `}]}`) }
func sensor(patch string) string { return pod(`{containers: [{name: sensor, ` + patch + `}]}`) }

func volumes(patch string) string { return pod(`{volumes: [{name: v, ` + patch + `}]}`) }

// sidecar is a container that is allowed, but for what the patch says.
func sidecar(patch string) string {
	return pod(`{containers: [{name: side, image: i, ` + patch + `}]}`)
}

const confined = `securityContext: {runAsNonRoot: true, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}`

type rule struct {
	layer  parameters.Layer
	target v1alpha1.OverlayTarget
	patch  string
	want   string
}

// guarded are the guard's rules, each with what it says; what it allows says nothing.
func guarded() []rule {
	return []rule{
		// What an object is.
		{class, "Deployment", `{kind: StatefulSet}`, "kind cannot be changed"},
		{class, "Deployment", `{apiVersion: apps/v1beta1}`, "kind cannot be changed"},
		{class, "Deployment", `{metadata: {name: other}}`, "metadata.name cannot be changed"},
		{class, "Service", `{metadata: {namespace: other}}`, "metadata.namespace cannot be changed"},
		{class, "Service", `{metadata: {ownerReferences: null}}`, "metadata.ownerReferences cannot be changed"},
		{class, "Service", `{metadata: {ownerReferences: [{apiVersion: v1, kind: Node, name: node, uid: u}]}}`, "metadata.ownerReferences cannot be changed"},
		{class, "Service", `{metadata: {finalizers: [example.com/stay]}}`, "metadata.finalizers cannot be changed"},
		{class, "Service", `{metadata: {generateName: x}}`, "metadata cannot be changed but for"},
		{class, "Service", `{metadata: null}`, "metadata.labels"},
		{class, "Service", `{metadata: {labels: {app.kubernetes.io/managed-by: me}}}`, "metadata.labels.app.kubernetes.io/managed-by cannot be changed"},
		{class, "Service", `{metadata: {labels: {gateway.networking.k8s.io/gateway-name: null}}}`, "metadata.labels.gateway.networking.k8s.io/gateway-name cannot be changed"},
		{class, "Service", `{metadata: {labels: {fleetgate.io/xbackend: x}}}`, "metadata.labels.fleetgate.io/xbackend is Fleetgate's own"},
		{class, "Deployment", `{metadata: {annotations: {fleetgate.io/replicas: "7"}}}`, "metadata.annotations.fleetgate.io/replicas is Fleetgate's own"},
		{class, "Service", `{metadata: {labels: {team: a}, annotations: {b: c}}}`, ""},
		{class, "Deployment", `{spec: {selector: {matchLabels: {a: b}}}}`, "spec.selector cannot be changed"},
		{class, "DaemonSet", `{spec: {selector: null}}`, "spec.selector cannot be changed"},
		{class, "Deployment", `{spec: {replicas: 3}}`, "spec.replicas cannot be changed"},
		{class, "Deployment", `{spec: {template: {metadata: {labels: {app.kubernetes.io/name: x}}}}}`, "spec.template.metadata.labels.app.kubernetes.io/name cannot be changed"},
		{class, "Deployment", `{spec: {template: {metadata: {name: x}}}}`, "spec.template.metadata.name cannot be changed"},
		{class, "Deployment", `{status: {replicas: 1}}`, "status cannot be changed"},
		{class, "Deployment", `{spec: {minReadySeconds: 5, template: {metadata: {labels: {team: a}}}}}`, ""},
		// What does not make sense.
		{class, "Deployment", `{spec: {nonsense: 1}}`, "nonsense"},
		{class, "Deployment", pod(`{hostnetwork: true}`), "hostnetwork"},
		{class, "Deployment", proxy(`securityContext: {priviledged: true}`), "priviledged"},
		{class, "Deployment", `{spec: 1}`, "the outcome is no Deployment"},
		{class, "Service", `{spec: {ports: 7}}`, "the outcome is no Service"},
		{class, "ServiceMonitor", `{spec: {nonsense: 1}}`, "nonsense"},
		// The node's.
		{class, "Deployment", pod(`{hostNetwork: true}`), "hostNetwork cannot be changed"},
		{class, "Deployment", pod(`{hostPID: true}`), "hostPID cannot be changed"},
		{class, "Deployment", pod(`{hostIPC: true}`), "hostIPC cannot be changed"},
		{class, "Deployment", pod(`{hostUsers: true}`), "hostUsers cannot be changed"},
		{class, "Deployment", pod(`{shareProcessNamespace: true}`), "shareProcessNamespace cannot be changed"},
		{class, "Deployment", pod(`{nodeName: one}`), "nodeName cannot be changed"},
		{class, "Deployment", pod(`{os: {name: windows}}`), "os cannot be changed"},
		{class, "Deployment", pod(`{resourceClaims: [{name: c, resourceClaimName: one}]}`), "resourceClaims cannot be changed"},
		{class, "Deployment", volumes(`hostPath: {path: /}`), "volumes.v is of a kind that is not allowed"},
		{class, "Deployment", volumes(`nfs: {server: s, path: /}`), "volumes.v is of a kind that is not allowed"},
		{class, "Deployment", volumes(`emptyDir: {}, hostPath: {path: /}`), "volumes.v is of a kind that is not allowed"},
		{class, "Deployment", pod(`{volumes: [{name: state, emptyDir: null, hostPath: {path: /}}]}`), "volumes.state cannot be changed"},
		{class, "Deployment", pod(`{volumes: [{name: host-cgroup, hostPath: {path: /}}]}`), "volumes.host-cgroup cannot be changed"},
		{class, "Deployment", proxy(`ports: [{containerPort: 19000, hostPort: 80}]`), "ports cannot be the host's"},
		{class, "Deployment", proxy(`livenessProbe: {httpGet: {host: 169.254.169.254, path: /, port: 80}}`), "cannot ask another host"},
		{class, "Deployment", proxy(`lifecycle: {preStop: {httpGet: {host: h, path: /, port: 80}}}`), "cannot ask another host"},
		// Other identities.
		{class, "Deployment", pod(`{serviceAccountName: admin}`), "serviceAccountName cannot be changed"},
		{class, "Deployment", pod(`{serviceAccount: admin}`), "serviceAccount cannot be changed"},
		{class, "Deployment", pod(`{automountServiceAccountToken: true}`), "automountServiceAccountToken cannot be changed"},
		{class, "Deployment", volumes(`projected: {sources: [{serviceAccountToken: {path: t, audience: vault}}]}`), "projects a token"},
		{class, "Deployment", pod(`{volumes: [{name: token, projected: {sources: [{serviceAccountToken: {path: token, audience: vault}}]}}]}`), "volumes.token cannot be changed"},
		{class, "Deployment", sensor(`volumeMounts: [{name: token, mountPath: /token}]`), "of token is for another container"},
		{class, "Deployment", sidecar(confined + `, volumeMounts: [{name: admin, mountPath: /admin}]`), "of admin is for another container"},
		{class, "Deployment", proxy(`volumeMounts: [{name: host-cgroup, mountPath: /cg}]`), "of host-cgroup is for another container"},
		{class, "ServiceAccount", `{automountServiceAccountToken: true}`, "automountServiceAccountToken cannot be changed"},
		{class, "ServiceAccount", `{secrets: [{name: s}]}`, "secrets cannot be changed"},
		{class, "ServiceAccount", `{imagePullSecrets: [{name: s}]}`, ""},
		// Privileges.
		{class, "Deployment", proxy(`securityContext: {privileged: true}`), "privileged cannot be true"},
		{class, "Deployment", proxy(`securityContext: {allowPrivilegeEscalation: true}`), "allowPrivilegeEscalation must be false"},
		{class, "Deployment", proxy(`securityContext: {allowPrivilegeEscalation: null}`), "allowPrivilegeEscalation must be false"},
		{class, "Deployment", proxy(`securityContext: {capabilities: {add: [NET_ADMIN]}}`), "cannot have NET_ADMIN"},
		{class, "Deployment", sensor(`securityContext: {capabilities: {add: [BPF, PERFMON, NET_ADMIN, SYS_ADMIN]}}`), "cannot have SYS_ADMIN"},
		{class, "Deployment", proxy(`securityContext: {capabilities: {drop: []}}`), "drop must have ALL"},
		{class, "Deployment", sensor(`securityContext: {capabilities: {add: [BPF]}}`), ""},
		{class, "Deployment", proxy(`securityContext: {runAsUser: 0}`), "runAsUser cannot be root"},
		{class, "Deployment", proxy(`securityContext: {runAsGroup: 0}`), "runAsGroup cannot be root"},
		{class, "Deployment", proxy(`securityContext: {runAsNonRoot: false}`), "runAsNonRoot must be true"},
		{class, "Deployment", proxy(`securityContext: {runAsUser: null}`), ""},
		{class, "Deployment", proxy(`securityContext: {seccompProfile: {type: Unconfined}}`), "seccompProfile cannot be one"},
		{class, "Deployment", proxy(`securityContext: {appArmorProfile: {type: Unconfined}}`), "appArmorProfile cannot be one"},
		{class, "Deployment", proxy(`securityContext: {procMount: Unmasked}`), "procMount must be Default"},
		{class, "Deployment", proxy(`securityContext: {readOnlyRootFilesystem: false}`), "readOnlyRootFilesystem must be true"},
		{class, "Deployment", proxy(`securityContext: {seLinuxOptions: {type: spc_t}}`), "seLinuxOptions cannot be changed"},
		{class, "Deployment", proxy(`securityContext: {windowsOptions: {hostProcess: true}}`), "windowsOptions cannot be changed"},
		{class, "Deployment", proxy(`securityContext: null`), "securityContext cannot be missing"},
		{class, "Deployment", proxy(`securityContext: {$patch: delete}`), "securityContext"},
		{class, "Deployment", pod(`{securityContext: null}`), "securityContext cannot be removed"},
		{class, "Deployment", pod(`{securityContext: {$patch: replace}}`), "securityContext"},
		{class, "Deployment", pod(`{securityContext: {seccompProfile: null}}`), "seccompProfile cannot be removed"},
		{class, "Deployment", pod(`{securityContext: {seccompProfile: {type: Unconfined}}}`), "seccompProfile cannot be one"},
		{class, "Deployment", pod(`{securityContext: {appArmorProfile: {type: Unconfined}}}`), "appArmorProfile cannot be one"},
		{class, "Deployment", pod(`{securityContext: {sysctls: [{name: kernel.msgmax, value: "1"}]}}`), "sysctls cannot be changed"},
		{class, "Deployment", pod(`{securityContext: {runAsUser: 0}}`), "runAsUser cannot be root"},
		{class, "Deployment", pod(`{securityContext: {runAsNonRoot: false}}`), "runAsNonRoot cannot be false"},
		{class, "Deployment", pod(`{securityContext: {seLinuxOptions: {type: spc_t}}}`), "seLinuxOptions cannot be changed"},
		{class, "Deployment", pod(`{securityContext: {fsGroup: 7, supplementalGroups: [8]}}`), ""},
		{class, "Deployment", `{spec: {template: {metadata: {annotations: {container.apparmor.security.beta.kubernetes.io/proxy: unconfined}}}}}`, "is not allowed"},
		{class, "Deployment", proxy(`volumeMounts: [{name: run, mountPath: /x, mountPropagation: Bidirectional}]`), "cannot propagate"},
		{class, "Deployment", proxy(`volumeDevices: [{name: v, devicePath: /dev/x}]`), "volumeDevices cannot be changed"},
		// What the proxy needs.
		{class, "Deployment", pod(`{containers: [{name: proxy, $patch: delete}]}`), "containers.proxy cannot be removed"},
		{class, "Deployment", pod(`{containers: null}`), "containers.proxy cannot be removed"},
		{class, "Deployment", `{spec: {template: null}}`, "spec.template"},
		{class, "Deployment", pod(`{volumes: [{name: config, $patch: delete}]}`), "volumes.config cannot be removed"},
		{class, "Deployment", proxy(`volumeMounts: [{mountPath: /etc/fleetgate/config, $patch: delete}]`), "volumeMounts of config"},
		{class, "Deployment", proxy(`volumeMounts: [{mountPath: /etc/fleetgate/config/x, name: run}]`), "meets the one at /etc/fleetgate/config"},
		{class, "Deployment", proxy(`volumeMounts: [{mountPath: /etc, name: run}]`), "meets the one at /etc/fleetgate/config"},
		{class, "Deployment", proxy(`args: [--help]`), "args that are there cannot be changed"},
		// What is for a class.
		{class, "Deployment", proxy(`image: other`), ""},
		{gateway, "Deployment", proxy(`image: other`), "image can be changed by the parameters of a GatewayClass alone"},
		{gateway, "Deployment", sensor(`image: other`), "image can be changed by"},
		{class, "Deployment", sidecar(confined), ""},
		{gateway, "Deployment", sidecar(confined), "containers.side can be added by"},
		{class, "Deployment", sidecar(`ports: []`), "securityContext cannot be missing"},
		{class, "Deployment", sidecar(`securityContext: {runAsNonRoot: true}`), "allowPrivilegeEscalation must be false"},
		{class, "Deployment", pod(`{initContainers: [{name: i, image: i, ` + confined + `}]}`), ""},
		{class, "Deployment", pod(`{initContainers: [{name: i, image: i}]}`), "initContainers.i.securityContext cannot be missing"},
		{gateway, "Deployment", pod(`{initContainers: [{name: i, image: i, ` + confined + `}]}`), "initContainers.i can be added by"},
		{class, "Deployment", pod(`{ephemeralContainers: [{name: e, image: i}]}`), "ephemeralContainers cannot be changed"},
		{class, "Deployment", volumes(`secret: {secretName: s}`), ""},
		{gateway, "Deployment", volumes(`secret: {secretName: s}`), "volumes.v can be added by"},
		{gateway, "Deployment", volumes(`configMap: {name: s}`), "volumes.v can be added by"},
		{gateway, "Deployment", volumes(`persistentVolumeClaim: {claimName: s}`), "volumes.v can be added by"},
		{gateway, "Deployment", volumes(`projected: {sources: [{secret: {name: s}}]}`), "volumes.v can be added by"},
		{gateway, "Deployment", volumes(`emptyDir: {}`), ""},
		{class, "Deployment", sensor(`command: [sh]`), ""},
		{gateway, "Deployment", sensor(`command: [sh]`), "command can be changed by"},
		{gateway, "Deployment", sensor(`args: [x]`), "args can be changed by"},
		{gateway, "Deployment", sensor(`env: [{name: A, value: b}]`), "env can be changed by"},
		{gateway, "Deployment", proxy(`env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: k}}}]`), "env can be changed by"},
		{gateway, "Deployment", proxy(`envFrom: [{secretRef: {name: s}}]`), "envFrom can be changed by"},
		{gateway, "Deployment", proxy(`lifecycle: {preStop: {exec: {command: [x]}}}`), "lifecycle can be changed by"},
		{gateway, "Deployment", proxy(`livenessProbe: {exec: {command: [x]}}`), "livenessProbe can be changed by"},
		{gateway, "Deployment", proxy(`resources: {limits: {memory: 1Gi}}`), ""},
		{gateway, "Deployment", proxy(`resources: {claims: [{name: gpu}]}`), "claims cannot be changed"},
		{gateway, "Deployment", pod(`{dnsPolicy: Default, runtimeClassName: gvisor, volumes: [{name: state, emptyDir: {sizeLimit: 1Gi}}]}`), ""},
		{gateway, "DaemonSet", pod(`{hostNetwork: true}`), "hostNetwork cannot be changed"},
		// Services.
		{class, "Service", `{spec: {selector: {app: x}}}`, "spec.selector cannot be changed"},
		{class, "Service", `{spec: {externalIPs: [192.0.2.1]}}`, "spec.externalIPs cannot be changed"},
		{class, "Service", `{spec: {type: ExternalName}}`, "spec.type cannot be ExternalName"},
		{class, "Service", `{spec: {externalName: x}}`, "spec.externalName cannot be changed"},
		{class, "Service", `{spec: {publishNotReadyAddresses: true}}`, "spec.publishNotReadyAddresses cannot be changed"},
		{class, "Service", `{spec: {clusterIP: 10.0.0.1}}`, "spec.clusterIP cannot be changed"},
		{class, "Service", `{spec: {ports: [{port: 22, targetPort: 22}]}}`, "spec.ports cannot be changed"},
		{class, "Service", `{spec: {ports: [{port: 80, targetPort: 19001}]}}`, "spec.ports cannot be changed"},
		{gateway, "Service", `{spec: {ports: [{port: 80, nodePort: 30080}], sessionAffinity: ClientIP, allocateLoadBalancerNodePorts: false}}`, ""},
		{class, "MetricsService", `{spec: {type: LoadBalancer, clusterIP: null}}`, "cannot be changed"},
		{class, "MetricsService", `{spec: {type: NodePort}}`, "spec.type cannot be changed"},
		{class, "MetricsService", `{metadata: {annotations: {a: b}}}`, ""},
		// The rest.
		{class, "HorizontalPodAutoscaler", `{spec: {scaleTargetRef: {name: x}}}`, "spec.scaleTargetRef cannot be changed"},
		{gateway, "HorizontalPodAutoscaler", `{spec: {behavior: {scaleDown: {stabilizationWindowSeconds: 60}}}}`, ""},
		{class, "PodDisruptionBudget", `{spec: {selector: {matchLabels: {a: b}}}}`, "spec.selector cannot be changed"},
		{gateway, "PodDisruptionBudget", `{spec: {unhealthyPodEvictionPolicy: AlwaysAllow}}`, ""},
		{class, "ServiceMonitor", `{spec: {namespaceSelector: {any: true}}}`, "spec.namespaceSelector cannot be changed"},
		{class, "ServiceMonitor", `{spec: {selector: {}}}`, ""},
		{class, "ServiceMonitor", `{spec: {selector: {matchLabels: {app: x}}}}`, "spec.selector cannot be changed"},
		{class, "ServiceMonitor", `{spec: {endpoints: [{port: proxy-metrics, path: /metrics, bearerTokenFile: /t}]}}`, "spec.endpoints cannot be changed"},
		{class, "ServiceMonitor", `{spec: {endpoints: [{port: admin, path: /metrics}]}}`, "another port"},
		{class, "ServiceMonitor", `{spec: {endpoints: [{port: proxy-metrics, path: /debug}]}}`, "another path"},
		{gateway, "ServiceMonitor", `{spec: {sampleLimit: 1000, endpoints: [{port: proxy-metrics, path: /metrics, honorLabels: true}]}}`, ""},
	}
}

func TestGuard(t *testing.T) {
	deployment := fleetOf(t, provision.SensorFull, v1alpha1.WorkloadDeployment).Objects
	daemonSet := fleetOf(t, provision.SensorFull, v1alpha1.WorkloadDaemonSet).Objects
	for _, tt := range guarded() {
		objects := slices.Clone(deployment)
		if tt.target == v1alpha1.OverlayDaemonSet {
			objects = slices.Clone(daemonSet)
		}
		got := ""
		if refused := put(objects, overlayOf(t, tt.layer, tt.target, tt.patch)); len(refused) > 0 {
			got = refused[0].Message
		}
		if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s %s %s: got %q, want %q", tt.layer, tt.target, tt.patch, got, tt.want)
		}
	}
}

func TestOverlaysAreAppliedInOrder(t *testing.T) {
	add := overlayOf(t, class, "Deployment", sidecar(confined))
	limit := overlayOf(t, gateway, "Deployment", pod(`{containers: [{name: side, resources: {limits: {cpu: 1}}}]}`))
	bad := overlayOf(t, gateway, "Deployment", pod(`{hostPID: true, priorityClassName: high}`))
	bad.Index = 1
	absent := overlayOf(t, gateway, "DaemonSet", pod(`{hostPID: true}`))
	result := fleetOf(t, provision.SensorOff, v1alpha1.WorkloadDeployment, add, limit, bad, absent)
	if len(result.Refused) != 1 || result.Refused[0].Field != "overlays[1]" || result.Refused[0].Layer != gateway {
		t.Errorf("refused %+v", result.Refused)
	}
	template := workloadOf(result.Objects)
	side := template.Spec.Containers[0]
	if side.Name == "proxy" {
		side = template.Spec.Containers[1]
	}
	if side.Name != "side" || side.Resources.Limits.Cpu().String() != "1" {
		t.Errorf("got the container %+v", side)
	}
	if template.Spec.PriorityClassName != "" {
		t.Error("half of a refused overlay was applied")
	}
}
