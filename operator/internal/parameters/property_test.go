package parameters

import (
	"math/rand/v2"
	"testing"

	"k8s.io/apimachinery/pkg/util/json"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
)

// choices are fields with values of which some are bad, alone or together.
var choices = []struct {
	field  string
	values []any
}{
	{"workload.kind", []any{"Deployment", "DaemonSet"}},
	{"workload.replicas", []any{int64(0), int64(3)}},
	{"workload.autoscaling.minReplicas", []any{int64(1), int64(12)}},
	{"workload.autoscaling.maxReplicas", []any{int64(1), int64(6), int64(20)}},
	{"workload.autoscaling.disabled", []any{true, false}},
	{"workload.updateStrategy.maxSurge", []any{int64(0), "0%", "25%"}},
	{"workload.updateStrategy.maxUnavailable", []any{int64(0), int64(1)}},
	{"workload.disruptionBudget.minAvailable", []any{int64(1), "50%"}},
	{"workload.disruptionBudget.maxUnavailable", []any{int64(1), "50%"}},
	{"pod.labels", []any{map[string]any{"team": "a", "bad key": "b"}, map[string]any{"team": "b"}}},
	{"pod.nodeSelector", []any{map[string]any{"zone": "a"}}},
	{"proxy.image", []any{"x"}},
	{"proxy.drainTimeout", []any{"10s", "50s", "x"}},
	{"proxy.resources.requests", []any{map[string]any{"cpu": "1"}, map[string]any{"cpu": "-1", "memory": "1Gi"}}},
	{"proxy.resources.limits", []any{map[string]any{"cpu": "500m"}, map[string]any{"memory": "2Gi"}}},
	{"sensor.mode", []any{"Auto", "Full", "Unprivileged", "Disabled"}},
	{"backends.hash.source", []any{"SourceIP", "Header"}},
	{"backends.hash.name", []any{"X-User"}},
	{"backends.ejection.baseTime", []any{"10s", "40s"}},
	{"backends.ejection.maxTime", []any{"5s", "60s", "0s"}},
	{"backends.healthCheck.type", []any{"HTTP", "GRPC", "TCP"}},
	{"backends.healthCheck.path", []any{"/"}},
	{"backends.healthCheck.service", []any{"api"}},
	{"service.loadBalancerSourceRanges", []any{[]any{"192.0.2.0/24"}, []any{"x"}}},
	{"service.ipFamilies", []any{[]any{"IPv4", "IPv6"}, []any{"IPv6", "IPv6"}}},
	{"service.ipFamilyPolicy", []any{"SingleStack", "PreferDualStack"}},
	{"monitoring.serviceMonitor.interval", []any{"10s", "x"}},
	{"monitoring.serviceMonitor.scrapeTimeout", []any{"5s", "1m"}},
}

// put sets what is at a path.
func (t tree) put(p path, value any) {
	for _, step := range p[:len(p)-1] {
		child, ok := t[step].(map[string]any)
		if !ok {
			child = map[string]any{}
			t[step] = child
		}
		t = child
	}
	t[p[len(p)-1]] = clone(value)
}

// randomSpec sets about a third of the fields.
func randomSpec(random *rand.Rand) *v1alpha1.GatewayParametersSpec {
	t := tree{}
	for _, c := range choices {
		if random.IntN(3) == 0 {
			t.put(at(c.field), c.values[random.IntN(len(c.values))])
		}
	}
	spec := t.spec()
	return &spec
}

// TestMergeKeepsItsPromises holds random layers to what every merge is to do.
func TestMergeKeepsItsPromises(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 1))
	n := 600
	if testing.Short() {
		n = 100
	}
	refusals := 0
	for range n {
		class, gateway := randomSpec(random), randomSpec(random)
		for _, c := range choices {
			if random.IntN(12) == 0 {
				class.Reserved = append(class.Reserved, v1alpha1.FieldPath(c.field))
			}
		}
		refusals += holdToPromises(t, class, gateway)
		if t.Failed() {
			t.Fatalf("of %s under %s", textOf(t, class), textOf(t, gateway))
		}
	}
	if refusals < n {
		t.Errorf("%d refusals in %d merges: the layers are too tame", refusals, n)
	}
}

// holdToPromises returns the number of refusals to the Gateway.
func holdToPromises(t *testing.T, class, gateway *v1alpha1.GatewayParametersSpec) int {
	t.Helper()
	before := textOf(t, []any{class, gateway})
	below, ofClass := Merge(class, nil)
	got, refused := Merge(class, gateway)
	if after := textOf(t, []any{class, gateway}); after != before {
		t.Errorf("the layers were changed to %s", after)
	}
	if problems := check(got.Spec); len(problems) > 0 {
		t.Errorf("in effect is %s, of which %v is a problem", textOf(t, got.Spec), problems)
	}
	again, none := Merge(&got.Spec, nil)
	if textOf(t, again.Spec) != textOf(t, got.Spec) || len(none) != 0 {
		t.Errorf("merged again %s becomes %s, and %v is refused", textOf(t, got.Spec), textOf(t, again.Spec), none)
	}
	if len(refused) < len(ofClass) {
		t.Fatalf("%d refusals, and %d of the class alone", len(refused), len(ofClass))
	}
	lower, upper := treeOf(&below.Spec), treeOf(&got.Spec)
	for _, r := range refused[len(ofClass):] {
		if r.Layer != LayerGateway {
			t.Errorf("the Gateway changes what is refused to the class: %+v", r)
		}
	}
	for _, field := range class.Reserved {
		same(t, lower, upper, at(string(field)))
	}
	for _, r := range always() {
		if value, set := upper.get(r.path); set && r.values == nil {
			if was, _ := lower.get(r.path); value != was {
				t.Errorf("%s became %v", r.path, value)
			}
		}
	}
	return len(refused) - len(ofClass)
}

func same(t *testing.T, lower, upper tree, p path) {
	t.Helper()
	was, _ := lower.get(p)
	is, _ := upper.get(p)
	if textOf(t, was) != textOf(t, is) {
		t.Errorf("%s was %v, and is %v", p, was, is)
	}
}

// What is refused to a Gateway is as its class says, or gone with what it belonged to.
func TestRefusedFieldsAreThoseOfTheLayerBelow(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 2))
	for range 200 {
		class, gateway := randomSpec(random), randomSpec(random)
		below, ofClass := Merge(class, nil)
		got, refused := Merge(class, gateway)
		lower, upper := treeOf(&below.Spec), treeOf(&got.Spec)
		for _, r := range refused[len(ofClass):] {
			if _, set := upper.get(at(r.Field)); set {
				same(t, lower, upper, at(r.Field))
			}
		}
		if t.Failed() {
			t.Fatalf("of %s under %s", textOf(t, class), textOf(t, gateway))
		}
	}
}

// What a Gateway may say means the same as if its class said it.
func TestLayersSpeakTheSameLanguage(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 3))
	for range 200 {
		spec := randomSpec(random)
		own := treeOf(spec)
		for _, r := range always() {
			if r.concerns(own) {
				own.remove(r.path)
			}
		}
		*spec = own.spec()
		byClass, refusedClass := Merge(spec, nil)
		byGateway, refusedGateway := Merge(nil, spec)
		if textOf(t, byClass.Spec) != textOf(t, byGateway.Spec) || len(refusedClass) != len(refusedGateway) {
			t.Fatalf("%s is %s of a class, of which %v is refused, and %s of a Gateway, of which %v is", textOf(t, spec),
				textOf(t, byClass.Spec), refusedClass, textOf(t, byGateway.Spec), refusedGateway)
		}
	}
}

func FuzzMerge(f *testing.F) {
	f.Add([]byte(`{"reserved":["workload"],"workload":{"replicas":3}}`), []byte(`{"workload":{"kind":"DaemonSet"},"pod":{"labels":{"/":""}}}`))
	f.Add([]byte(`{"backends":{"healthCheck":{"type":"HTTP","statuses":[{"first":300,"last":200}]}}}`), []byte(`{"backends":{"healthCheck":{"type":""}}}`))
	f.Fuzz(func(t *testing.T, class, gateway []byte) {
		var specs [2]v1alpha1.GatewayParametersSpec
		for i, data := range [][]byte{class, gateway} {
			if json.Unmarshal(data, &specs[i]) != nil {
				return // These are no parameters.
			}
		}
		holdToPromises(t, &specs[0], &specs[1])
	})
}
