package overlay_test

import (
	"encoding/json"
	"maps"
	"math/rand"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
	"github.com/fleetgate/fleetgate/operator/internal/parameters"
	"github.com/fleetgate/fleetgate/operator/internal/provision"
	"github.com/fleetgate/fleetgate/operator/internal/provision/overlay"
)

// evaluator is Kubernetes' own of the Pod Security Standards.
func evaluator(t testing.TB) policy.Evaluator {
	t.Helper()
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return evaluator
}

// violations are the reasons for which a pod is not restricted.
func violations(evaluator policy.Evaluator, template *corev1.PodTemplateSpec) []string {
	restricted := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	var reasons []string
	for _, result := range evaluator.EvaluatePod(restricted, &template.ObjectMeta, &template.Spec) {
		if !result.Allowed {
			reasons = append(reasons, result.ForbiddenReason)
		}
	}
	return reasons
}

// withoutSensor is the pod without what it has for the sensor.
func withoutSensor(template *corev1.PodTemplateSpec) *corev1.PodTemplateSpec {
	template = template.DeepCopy()
	spec := &template.Spec
	spec.Containers = slices.DeleteFunc(spec.Containers, func(c corev1.Container) bool { return c.Name == "sensor" })
	spec.Volumes = slices.DeleteFunc(spec.Volumes, func(v corev1.Volume) bool { return v.Name == "host-cgroup" })
	return template
}

// checkKept holds an outcome to what no patch may change.
func checkKept(t *testing.T, evaluator policy.Evaluator, patch []byte, before, after []client.Object) {
	t.Helper()
	for i, was := range before {
		is := after[i]
		if was.GetName() != is.GetName() || was.GetNamespace() != is.GetNamespace() {
			t.Errorf("%s renamed %s", patch, was.GetName())
		}
		if diff := cmp.Diff(was.GetOwnerReferences(), is.GetOwnerReferences()); diff != "" {
			t.Errorf("%s changed owners: %s", patch, diff)
		}
		for key, text := range was.GetLabels() {
			if is.GetLabels()[key] != text {
				t.Errorf("%s changed label %s of %T", patch, key, was)
			}
		}
	}
	was, is := workloadOf(before), workloadOf(after)
	if bad := violations(evaluator, withoutSensor(is)); len(bad) > 0 {
		t.Errorf("%s brought %v", patch, bad)
	}
	known := violations(evaluator, was)
	for _, reason := range violations(evaluator, is) {
		if !slices.Contains(known, reason) {
			t.Errorf("%s brought %s", patch, reason)
		}
	}
	labels := maps.Clone(is.Labels)
	maps.Copy(labels, was.Labels)
	if !maps.Equal(labels, is.Labels) {
		t.Errorf("%s changed labels of pods to %v", patch, is.Labels)
	}
	if is.Spec.ServiceAccountName != was.Spec.ServiceAccountName {
		t.Errorf("%s changed the ServiceAccount", patch)
	}
	if !slices.ContainsFunc(is.Spec.Containers, func(c corev1.Container) bool { return c.Name == "proxy" }) {
		t.Errorf("%s removed the proxy", patch)
	}
}

// put applies one overlay to the objects of fleetOf.
func put(objects []client.Object, over parameters.Overlay) []parameters.Refusal {
	return overlay.Apply(objects, []parameters.Overlay{over}, "web-fleetgate-metrics")
}

// Whatever is patched, the pods have no more rights than before.
func TestNoPatchBringsPrivilege(t *testing.T) {
	evaluator := evaluator(t)
	for _, sensor := range []provision.SensorMode{provision.SensorOff, provision.SensorUnprivileged, provision.SensorFull} {
		before := fleetOf(t, sensor, v1alpha1.WorkloadDeployment).Objects
		whole := decoded(t, must(json.Marshal(provision.Workload(before)))(t))
		random := rand.New(rand.NewSource(1))
		granted, all := 0, 200
		for range all {
			patch := must(json.Marshal(randomPatch(t, random, whole)))(t)
			layer := []parameters.Layer{class, gateway}[random.Intn(2)]
			over := parameters.Overlay{Layer: layer, Overlay: v1alpha1.Overlay{Target: "Deployment", Patch: apiextensionsv1.JSON{Raw: patch}}}
			after := slices.Clone(before)
			refused := put(after, over)
			checkKept(t, evaluator, patch, before, after)
			if len(refused) == 0 {
				granted++
			}
		}
		if granted == 0 || granted == all {
			t.Errorf("with the sensor %s %d of %d patches were granted, so that this shows nothing", sensor, granted, all)
		}
	}
}

// randomPatch is some of the patches of guarded together, or a part of the object with
// something else in it.
func randomPatch(t *testing.T, random *rand.Rand, whole any) any {
	if random.Intn(2) == 0 {
		return corrupted(random, whole)
	}
	rules := guarded()
	var patch any
	for range 1 + random.Intn(3) {
		rule := rules[random.Intn(len(rules))]
		if rule.target == v1alpha1.OverlayDeployment {
			patch = joined(patch, decoded(t, must(yaml.YAMLToJSON([]byte(rule.patch)))(t)))
		}
	}
	return patch
}

// joined merges objects, and puts lists one behind the other.
func joined(a, b any) any {
	switch b := b.(type) {
	case map[string]any:
		into, is := a.(map[string]any)
		if !is {
			return b
		}
		for key, value := range b {
			into[key] = joined(into[key], value)
		}
		return into
	case []any:
		if list, is := a.([]any); is {
			return append(list, b...)
		}
	}
	return b
}

// corrupted is a path into the object with another value at its end.
func corrupted(random *rand.Rand, value any) any {
	switch value := value.(type) {
	case map[string]any:
		if len(value) == 0 || random.Intn(8) == 0 {
			break
		}
		keys := slices.Sorted(maps.Keys(value))
		key := keys[random.Intn(len(keys))]
		return map[string]any{key: corrupted(random, value[key])}
	case []any:
		if len(value) == 0 || random.Intn(8) == 0 {
			break
		}
		item := value[random.Intn(len(value))]
		fields, is := item.(map[string]any)
		if !is {
			break
		}
		changed, _ := corrupted(random, fields).(map[string]any)
		for _, key := range []string{"name", "mountPath", "containerPort"} {
			if changed != nil && changed[key] == nil && fields[key] != nil {
				changed[key] = fields[key]
			}
		}
		return []any{changed}
	}
	others := []any{nil, true, false, 0, 1, "", "x", []any{}, map[string]any{}, map[string]any{"$patch": "delete"}, map[string]any{"$patch": "replace"}, []any{map[string]any{"$patch": "replace"}}}
	return others[random.Intn(len(others))]
}

func decoded(t *testing.T, data []byte) any {
	t.Helper()
	var out any
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func must[T any](got T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
}

func FuzzPatch(f *testing.F) {
	for _, rule := range guarded() {
		f.Add(must(yaml.YAMLToJSON([]byte(rule.patch)))(f), rule.layer == class, string(rule.target))
	}
	f.Add([]byte(`{"$setElementOrder/x":7,"spec":{"$retainKeys":1}}`), true, "Deployment")
	f.Add([]byte(`[`), true, "ServiceMonitor")
	evaluator := evaluator(f)
	before := fleetOf(f, provision.SensorUnprivileged, v1alpha1.WorkloadDeployment).Objects
	f.Fuzz(func(t *testing.T, patch []byte, byClass bool, target string) {
		layer := gateway
		if byClass {
			layer = class
		}
		over := parameters.Overlay{Layer: layer, Overlay: v1alpha1.Overlay{Target: v1alpha1.OverlayTarget(target), Patch: apiextensionsv1.JSON{Raw: patch}}}
		after := slices.Clone(before)
		put(after, over)
		checkKept(t, evaluator, patch, before, after)
	})
}
