package folder

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayxv1alpha1 "sigs.k8s.io/gateway-api/apisx/v1alpha1"
)

// fixture is a folder of files with a clock that moves a minute each load.
type fixture struct {
	*Folder
	t   *testing.T
	dir string
	now time.Time
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, gatewayv1.Install, gatewayxv1alpha1.Install} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	f := &fixture{t: t, dir: t.TempDir(), now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	f.Folder = New(Options{Dir: f.dir, Scheme: scheme, Now: func() time.Time { return f.now }})
	return f
}

func (f *fixture) write(name, content string) {
	f.t.Helper()
	if err := os.WriteFile(filepath.Join(f.dir, name), []byte(content), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) remove(name string) {
	f.t.Helper()
	if err := os.Remove(filepath.Join(f.dir, name)); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) load() Loaded {
	f.now = f.now.Add(time.Minute)
	return f.Load()
}

// names are the objects without the implied namespaces.
func (l Loaded) names() []string {
	var names []string
	for _, o := range l.Objects {
		if _, ok := o.(*corev1.Namespace); !ok {
			names = append(names, nameOf(o))
		}
	}
	return names
}

func (l Loaded) problems() []string {
	var lines []string
	for _, p := range l.Problems {
		lines = append(lines, p.String())
	}
	return lines
}

func object[T client.Object](t *testing.T, l Loaded, name string) T {
	t.Helper()
	for _, o := range l.Objects {
		if typed, ok := o.(T); ok && o.GetName() == name {
			return typed
		}
	}
	t.Fatalf("no %s among %v", name, l.names())
	panic("unreachable")
}

const route = `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop, namespace: a}
spec:
  parentRefs: [{name: web}]
  rules:
  - backendRefs: [{name: v1, port: 80}]
`

func TestLoadReadsAllDocumentsOfAllFiles(t *testing.T) {
	f := newFixture(t)
	f.write("a.yaml", "# nothing but a comment\n---\n"+route+"---\n"+strings.ReplaceAll(route, "shop", "blog")+"---\n")
	f.write("b.yml", "apiVersion: v1\nkind: Service\nmetadata: {name: v1}\n")
	f.write("notes.txt", "not: [yaml")
	f.write(".a.yaml.swp.yaml", "not: [yaml")
	got := f.load()
	if diff := cmp.Diff([]string{"HTTPRoute a/blog", "HTTPRoute a/shop", "Service default/v1"}, got.names()); diff != "" {
		t.Error(diff)
	}
	if len(got.Problems) != 0 {
		t.Error(got.problems())
	}
	if ns := object[*corev1.Namespace](t, got, "a"); ns.Labels[corev1.LabelMetadataName] != "a" {
		t.Errorf("labels of the implied namespace: %v", ns.Labels)
	}
}

func TestProblemsNameFileDocumentAndField(t *testing.T) {
	tests := []struct {
		name, content, want string
	}{
		{"unknown field", strings.Replace(route, "rules:", "rule:", 1),
			`bad.yaml document 2 (HTTPRoute a/shop) spec.rule: unknown field`},
		{"unknown nested field", strings.Replace(route, "port:", "prot:", 1),
			`bad.yaml document 2 (HTTPRoute a/shop) spec.rules[0].backendRefs[0].prot: unknown field`},
		{"wrong type", strings.Replace(route, "port: 80", "port: http", 1),
			`bad.yaml document 2 (HTTPRoute a/shop) spec.rules.backendRefs.port: a string is no int32`},
		{"unknown kind", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n",
			`bad.yaml document 2 (Deployment d): kind Deployment of apps/v1 is not served in local mode`},
		{"no kind", "metadata: {name: d}\n", `bad.yaml document 2 ( d): apiVersion and kind are required`},
		{"no name", "apiVersion: v1\nkind: Service\n", `bad.yaml document 2 (Service) metadata.name: is required`},
		{"duplicate field", route + "  hostnames: []\n  hostnames: []\n",
			"bad.yaml document 2: yaml: unmarshal errors:\n  line 14: key \"hostnames\" already set in map"},
		{"not an object", "- a\n- b\n", `bad.yaml document 2: a document must be one object with apiVersion and kind`},
		{"namespaced class", "apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: {name: c, namespace: d}\nspec: {controllerName: a.b/c}\n",
			`bad.yaml document 2 (GatewayClass d/c) metadata.namespace: must not be set, the kind has no namespaces`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t)
			f.write("bad.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: good}\n---\n"+tt.content)
			got := f.load()
			if diff := cmp.Diff([]string{tt.want}, got.problems()); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]string{"Service default/good"}, got.names()); diff != "" {
				t.Errorf("the document beside it: %s", diff)
			}
		})
	}
}

func TestEveryUnknownFieldIsReported(t *testing.T) {
	f := newFixture(t)
	f.write("bad.yaml", strings.NewReplacer("port:", "prot:", "parentRefs:", "parents:").Replace(route))
	if got := f.load(); len(got.Problems) != 2 {
		t.Errorf("problems: %q", got.problems())
	}
}

// The story of a folder under an editor.
func TestBadFileKeepsWhatItHeldBefore(t *testing.T) {
	f := newFixture(t)
	blog := strings.ReplaceAll(route, "shop", "blog")
	f.write("routes.yaml", route+"---\n"+blog)
	f.load()

	f.write("routes.yaml", strings.Replace(route, "port: 80", "port: [", 1)+"---\n"+strings.Replace(blog, "port: 80", "port: 81", 1))
	got := f.load()
	if len(got.Problems) != 1 {
		t.Errorf("problems %q", got.problems())
	}
	if r := object[*gatewayv1.HTTPRoute](t, got, "shop"); r.Generation != 1 || *r.Spec.Rules[0].BackendRefs[0].Port != 80 {
		t.Errorf("the unreadable route is not what it was: %+v", r.Spec)
	}
	if r := object[*gatewayv1.HTTPRoute](t, got, "blog"); r.Generation != 2 || *r.Spec.Rules[0].BackendRefs[0].Port != 81 {
		t.Errorf("the route beside it did not change: %+v", r)
	}

	got = f.load()
	if !slices.Contains(got.names(), "HTTPRoute a/shop") {
		t.Errorf("the second load forgot the unreadable route: %v", got.names())
	}

	f.write("other.yaml", strings.Replace(route, "port: 80", "port: 82", 1))
	got = f.load()
	if r := object[*gatewayv1.HTTPRoute](t, got, "shop"); *r.Spec.Rules[0].BackendRefs[0].Port != 82 {
		t.Errorf("a kept object beat a readable one: %+v", r.Spec)
	}
	if len(got.Problems) != 1 {
		t.Errorf("problems %q", got.problems())
	}
	f.remove("other.yaml")

	f.write("routes.yaml", blog)
	if got = f.load(); !slices.Equal(got.names(), []string{"HTTPRoute a/blog"}) || len(got.Problems) != 0 {
		t.Errorf("after the repair: %v, %q", got.names(), got.problems())
	}
}

func TestVanishedFolderKeepsEverything(t *testing.T) {
	f := newFixture(t)
	f.write("a.yaml", route)
	before := f.load()
	if err := os.Rename(f.dir, f.dir+".away"); err != nil {
		t.Fatal(err)
	}
	got := f.load()
	if !slices.Equal(got.names(), before.names()) || len(got.Problems) != 1 {
		t.Errorf("objects %v, problems %q", got.names(), got.problems())
	}
}

func TestRemovedFileRemovesItsObjects(t *testing.T) {
	f := newFixture(t)
	f.write("a.yaml", route)
	f.load()
	f.remove("a.yaml")
	if got := f.load(); len(got.Objects) != 0 {
		t.Errorf("still there: %v", got.names())
	}
}

func TestFirstDefinitionCounts(t *testing.T) {
	f := newFixture(t)
	f.write("a.yaml", route)
	f.write("b.yaml", strings.Replace(route, "port: 80", "port: 81", 1))
	for range 2 {
		got := f.load()
		r := object[*gatewayv1.HTTPRoute](t, got, "shop")
		if *r.Spec.Rules[0].BackendRefs[0].Port != 80 || r.Generation != 1 {
			t.Errorf("%+v", r)
		}
		want := []string{"b.yaml (HTTPRoute a/shop): the object is defined twice; the first definition counts"}
		if diff := cmp.Diff(want, got.problems()); diff != "" {
			t.Error(diff)
		}
	}
}

func TestIdentity(t *testing.T) {
	f := newFixture(t)
	f.write("a.yaml", route)
	first := object[*gatewayv1.HTTPRoute](t, f.load(), "shop")
	again := object[*gatewayv1.HTTPRoute](t, f.load(), "shop")
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("an unchanged object changed: %s", diff)
	}
	if first.UID == "" || first.Generation != 1 || !first.CreationTimestamp.Time.Equal(time.Date(2026, 1, 1, 0, 1, 0, 0, time.UTC)) {
		t.Errorf("identity %+v", first.ObjectMeta)
	}

	f.write("a.yaml", strings.Replace(route, "name: shop,", "name: shop, labels: {a: b},", 1))
	labelled := object[*gatewayv1.HTTPRoute](t, f.load(), "shop")
	if labelled.Generation != 1 || labelled.ResourceVersion == first.ResourceVersion {
		t.Errorf("a label must change the version and not the generation: %+v", labelled.ObjectMeta)
	}

	f.write("a.yaml", strings.Replace(route, "port: 80", "port: 81", 1))
	changed := object[*gatewayv1.HTTPRoute](t, f.load(), "shop")
	if changed.Generation != 2 || changed.UID != first.UID || !changed.CreationTimestamp.Equal(&first.CreationTimestamp) {
		t.Errorf("a new spec must change the generation alone: %+v", changed.ObjectMeta)
	}
}

func TestDumpOfAClusterGetsAnIdentityOfItsOwn(t *testing.T) {
	f := newFixture(t)
	f.write("a.yaml", strings.Replace(route, "name: shop,", `name: shop, uid: x, generation: 7, resourceVersion: "9",`, 1)+
		"status: {parents: []}\n")
	got := f.load()
	r := object[*gatewayv1.HTTPRoute](t, got, "shop")
	if r.UID == "x" || r.Generation != 1 || r.Status.Parents != nil || len(got.Problems) != 0 {
		t.Errorf("%+v, %q", r, got.problems())
	}
}

func TestOwnersOfADumpAreThoseThatAreHere(t *testing.T) {
	f := newFixture(t)
	f.write("a.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: owner, uid: x}\nspec: {ports: [{port: 80}]}\n---\n"+
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: owned, ownerReferences: [{apiVersion: v1, kind: Service, name: owner, uid: x, controller: true}]}\n")
	got := f.load()
	if owned := object[*corev1.ConfigMap](t, got, "owned"); !metav1.IsControlledBy(owned, object[*corev1.Service](t, got, "owner")) {
		t.Errorf("owned by %+v", owned.OwnerReferences)
	}
}

func TestStringDataOfASecretIsData(t *testing.T) {
	f := newFixture(t)
	f.write("a.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {k: v}\n")
	s := object[*corev1.Secret](t, f.load(), "s")
	if string(s.Data["k"]) != "v" || s.StringData != nil || s.Type != corev1.SecretTypeOpaque {
		t.Errorf("%+v", s)
	}
}

func TestOlderVersionOfAKindIsRead(t *testing.T) {
	f := newFixture(t)
	f.write("a.yaml", strings.Replace(route, "io/v1", "io/v1beta1", 1))
	got := f.load()
	r := object[*gatewayv1.HTTPRoute](t, got, "shop")
	if r.APIVersion != "gateway.networking.k8s.io/v1" {
		t.Errorf("%+v, %q", r.TypeMeta, got.problems())
	}
}
