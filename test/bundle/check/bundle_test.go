package check

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"

	"github.com/fleetgate/fleetgate/test/bundle/olm"
)

const (
	root            = "../../.."
	csvFile         = "manifests/fleetgate.clusterserviceversion.yaml"
	crdFile         = "manifests/fleetgate.io_gatewayparameters.yaml"
	annotationsFile = "metadata/annotations.yaml"
	scorecardFile   = "tests/scorecard/config.yaml"
)

// accepted are the problems that the bundle has and explains in its description:
// the operator gives each fleet a PodDisruptionBudget that leaves room for a drain.
var accepted = []string{"object/disruption-budget-rights"}

func committed(t *testing.T) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	folder := os.DirFS(filepath.Join(root, "bundle"))
	err := fs.WalkDir(folder, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files[name], err = fs.ReadFile(folder, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// fixture is the committed bundle with the CRD cut down to the fields at the top of
// spec and status: no rule looks deeper, and most of a bundle lies there.
func fixture(t *testing.T) map[string][]byte {
	t.Helper()
	files := committed(t)
	var crd apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(files[crdFile], &crd); err != nil {
		t.Fatal(err)
	}
	for _, part := range crd.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties {
		for name := range part.Properties {
			part.Properties[name] = apiextensionsv1.JSONSchemaProps{Type: "string"}
		}
	}
	var err error
	if files[crdFile], err = yaml.Marshal(crd); err != nil {
		t.Fatal(err)
	}
	return files
}

func rulesOf(problems []Problem) []string {
	all := map[string]bool{}
	for _, p := range problems {
		all[p.Rule] = true
	}
	return slices.Sorted(maps.Keys(all))
}

func TestCommittedBundle(t *testing.T) {
	problems := Bundle(committed(t))
	if diff := cmp.Diff(accepted, rulesOf(problems)); diff != "" {
		t.Errorf("rules that are broken (-accepted +got)\n%s\n%v", diff, problems)
	}
}

// A mutation breaks a bundle.
type mutation func(t *testing.T, files map[string][]byte)

// csv changes the ClusterServiceVersion.
func csv(change func(c *olm.ClusterServiceVersion)) mutation {
	return func(t *testing.T, files map[string][]byte) {
		var c olm.ClusterServiceVersion
		if err := yaml.UnmarshalStrict(files[csvFile], &c); err != nil {
			t.Fatal(err)
		}
		change(&c)
		content, err := yaml.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		files[csvFile] = content
	}
}

func spec(change func(s *olm.Spec)) mutation {
	return csv(func(c *olm.ClusterServiceVersion) { change(&c.Spec) })
}

func container(change func(c *corev1.Container)) mutation {
	return spec(func(s *olm.Spec) { change(&s.Install.Spec.Deployments[0].Spec.Template.Spec.Containers[0]) })
}

func rule(r rbacv1.PolicyRule) mutation {
	return spec(func(s *olm.Spec) {
		p := &s.Install.Spec.ClusterPermissions[0]
		p.Rules = append(p.Rules, r)
	})
}

// annotation sets one of the CSV's.
func annotation(key, value string) mutation {
	return csv(func(c *olm.ClusterServiceVersion) { c.Metadata.Annotations[key] = value })
}

// swap changes a file's text.
func swap(file, before, after string) mutation {
	return func(_ *testing.T, files map[string][]byte) {
		files[file] = []byte(strings.Replace(string(files[file]), before, after, 1))
	}
}

func put(file, content string) mutation {
	return func(_ *testing.T, files map[string][]byte) { files[file] = []byte(content) }
}

func without(prefix string) mutation {
	return func(_ *testing.T, files map[string][]byte) {
		maps.DeleteFunc(files, func(name string, _ []byte) bool { return strings.HasPrefix(name, prefix) })
	}
}

func object(apiVersion, kind, rest string) mutation {
	return put("manifests/stray.yaml", "apiVersion: "+apiVersion+"\nkind: "+kind+"\nmetadata: {name: stray}\n"+rest)
}

const example1 = `[{"apiVersion":"fleetgate.io/v1alpha1","kind":"GatewayParameters","metadata":{"name":"a"},`

// noise is text that does not become smaller when it is compressed.
func noise(n int) string {
	var b strings.Builder
	state := uint64(1)
	for b.Len() < n {
		state = state*6364136223846793005 + 1442695040888963407
		b.WriteByte(byte('!' + state>>33%90))
	}
	return b.String()
}

// mutations are by the rule that each of them breaks, which may break others, too.
var mutations = map[string][]mutation{
	"format/folders":         {without("metadata/")},
	"format/annotations":     {swap(annotationsFile, "registry+v1", "plain+v0"), swap(annotationsFile, "package.v1: fleetgate", `package.v1: ""`), put(annotationsFile, "a: b"), swap(annotationsFile, "test.config", "test.configuration")},
	"format/channels":        {swap(annotationsFile, "channels.v1: candidate-v0", `channels.v1: ""`)},
	"format/default-channel": {swap(annotationsFile, "default.v1: candidate-v0", "default.v1: stable")},
	"format/dependencies":    {put("metadata/dependencies.yaml", "dependencies: none")},
	"format/dockerfile":      {without("bundle.Dockerfile"), swap("bundle.Dockerfile", "channels.v1=candidate-v0", "channels.v1=stable-v0")},
	"format/csv":             {without(csvFile), func(_ *testing.T, files map[string][]byte) { files["manifests/second.yaml"] = files[csvFile] }},
	"format/manifests":       {swap(csvFile, "displayName: Fleetgate\n", "displayNames: Fleetgate\n"), put("manifests/a.yaml", "a: [")},
	"format/kinds":           {object("gateway.networking.k8s.io/v1", "GatewayClass", ""), object("apps/v1", "Deployment", ""), object("v1", "Namespace", "")},
	"format/portable-kinds":  {object("monitoring.coreos.com/v1", "ServiceMonitor", ""), object("monitoring.coreos.com/v1", "PrometheusRule", ""), object("networking.k8s.io/v1", "NetworkPolicy", "")},
	"format/one-object":      {put("manifests/a.yaml", "kind: ConfigMap\nmetadata: {name: a}\n---\nkind: ConfigMap\n"), put("manifests/a.yaml", "kind: ConfigMap\n")},
	"format/namespace":       {put("manifests/a.yaml", "kind: ConfigMap\nmetadata: {name: a, namespace: b}\n")},

	"csv/kind":             {swap(csvFile, "operators.coreos.com/v1alpha1", "operators.coreos.com/v1")},
	"csv/name":             {csv(func(c *olm.ClusterServiceVersion) { c.Metadata.Name = "Fleetgate.v0.1.0" }), csv(func(c *olm.ClusterServiceVersion) { c.Metadata.Name = "" }), csv(func(c *olm.ClusterServiceVersion) { c.Metadata.Name = strings.Repeat("a", 64) }), spec(func(s *olm.Spec) { s.Replaces = "a_b" })},
	"csv/min-kube-version": {spec(func(s *olm.Spec) { s.MinKubeVersion = "1.31" }), spec(func(s *olm.Spec) { s.MinKubeVersion = "" })},
	"csv/conversion": {spec(func(s *olm.Spec) {
		s.WebhookDefinitions = []olm.Webhook{{Type: "ConversionWebhook", GenerateName: "a"}}
	})},
	"csv/install-modes":        {spec(func(s *olm.Spec) { s.InstallModes = nil }), spec(func(s *olm.Spec) { s.InstallModes = s.InstallModes[1:] }), spec(func(s *olm.Spec) { s.InstallModes[0] = s.InstallModes[1] }), spec(func(s *olm.Spec) { s.InstallModes[0].Type = "Anywhere" })},
	"csv/annotations":          {csv(func(c *olm.ClusterServiceVersion) { c.Metadata.Annotations = nil })},
	"csv/annotation-case":      {annotation("containerimage", "a")},
	"csv/mandatory":            {spec(func(s *olm.Spec) { s.Install.Strategy = "" })},
	"csv/optional":             {spec(func(s *olm.Spec) { s.Maturity = "" }), spec(func(s *olm.Spec) { s.Icon = nil }), spec(func(s *olm.Spec) { s.Keywords = nil })},
	"csv/examples":             {annotation("alm-examples", "[{]")},
	"csv/example-owned":        {annotation("alm-examples", `[{"apiVersion":"gateway.networking.k8s.io/v1","kind":"Gateway"}]`), annotation("alm-examples", `[{"apiVersion":"fleetgate.io/v1","kind":"GatewayParameters"}]`)},
	"csv/no-examples":          {annotation("alm-examples", "[]")},
	"csv/example-missing":      {annotation("alm-examples", "[]")},
	"crd/schema":               {swap(crdFile, "storage: true", "storage: false"), swap(crdFile, "type: object", "type: integer"), swap(crdFile, "name: gatewayparameters.fleetgate.io", "name: parameters.fleetgate.io")},
	"bundle/crd-twice":         {func(_ *testing.T, files map[string][]byte) { files["manifests/second.yaml"] = files[crdFile] }},
	"bundle/crd-not-owned":     {spec(func(s *olm.Spec) { s.CustomResourceDefinitions.Owned = nil })},
	"bundle/owned-without-crd": {without(crdFile), spec(func(s *olm.Spec) { s.CustomResourceDefinitions.Owned[0].Version = "v1" }), spec(func(s *olm.Spec) { s.CustomResourceDefinitions.Owned[0].Kind = "Parameters" })},
	"bundle/service-account":   {put("manifests/a.yaml", "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: fleetgate-controller-manager}\n")},
	"bundle/related-images":    {spec(func(s *olm.Spec) { s.RelatedImages[1].Image = "" }), spec(func(s *olm.Spec) { s.RelatedImages[1].Image = "proxy" }), spec(func(s *olm.Spec) { s.RelatedImages[1].Image = "fleetgate.io/proxy:latest" })},
	"bundle/images-listed":     {spec(func(s *olm.Spec) { s.RelatedImages = s.RelatedImages[:2] })},
	"bundle/images-used": {spec(func(s *olm.Spec) {
		s.RelatedImages = append(s.RelatedImages, olm.RelatedImage{Name: "a", Image: "example.com/a:v1"})
	})},
	"bundle/size": {put("metadata/a.yaml", noise(1_150_000)), put("metadata/a.yaml", noise(1_350_000))},

	"hub/display-name":    {spec(func(s *olm.Spec) { s.DisplayName = "FG" }), spec(func(s *olm.Spec) { s.DisplayName = strings.Repeat("a", 51) })},
	"hub/description":     {spec(func(s *olm.Spec) { s.Description = "A proxy" })},
	"hub/version":         {spec(func(s *olm.Spec) { s.Version = "v0.1.0" })},
	"hub/provider":        {spec(func(s *olm.Spec) { s.Provider.Name = "" })},
	"hub/maturity":        {spec(func(s *olm.Spec) { s.Maturity = "young" })},
	"hub/maintainers":     {spec(func(s *olm.Spec) { s.Maintainers = nil }), spec(func(s *olm.Spec) { s.Maintainers[0].Email = "nobody" }), spec(func(s *olm.Spec) { s.Maintainers[0].Name = "" })},
	"hub/links":           {spec(func(s *olm.Spec) { s.Links = nil }), spec(func(s *olm.Spec) { s.Links[0].URL = "docs" }), spec(func(s *olm.Spec) { s.Links[0].Name = "" })},
	"hub/keywords":        {spec(func(s *olm.Spec) { s.Keywords = nil })},
	"hub/icon":            {spec(func(s *olm.Spec) { s.Icon = nil }), spec(func(s *olm.Spec) { s.Icon = append(s.Icon, s.Icon[0]) }), spec(func(s *olm.Spec) { s.Icon[0].MediaType = "image/bmp" }), spec(func(s *olm.Spec) { s.Icon[0].Base64Data = "?" })},
	"hub/annotations":     {annotation("createdAt", "today"), annotation("repository", "here"), annotation("support", ""), annotation("description", "short"), annotation("description", strings.Repeat("a", 136)), csv(func(c *olm.ClusterServiceVersion) { delete(c.Metadata.Annotations, "capabilities") })},
	"hub/container-image": {annotation("containerImage", "fleetgate.io/operator:v0.0.9")},
	"capabilities/level":  {annotation("capabilities", "basic install")},
	"categories/known":    {annotation("categories", "Proxies"), annotation("categories", ""), annotation("categories", "Networking, Observability")},

	"install/account":                     {spec(func(s *olm.Spec) { s.Install.Spec.Permissions[0].ServiceAccountName = "default" })},
	"install/wide-rights":                 {rule(rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"*"}}), rule(rbacv1.PolicyRule{APIGroups: []string{"rbac.authorization.k8s.io"}, Resources: []string{"roles"}, Verbs: []string{"escalate"}})},
	"object/disruption-budget":            {object("policy/v1", "PodDisruptionBudget", "spec: {maxUnavailable: 0}\n"), object("policy/v1", "PodDisruptionBudget", "spec: {minAvailable: 100%}\n")},
	"object/priority-class":               {object("scheduling.k8s.io/v1", "PriorityClass", "globalDefault: true\n")},
	"object/security-context-constraints": {rule(rbacv1.PolicyRule{APIGroups: []string{"security.openshift.io"}, Resources: []string{"securitycontextconstraints"}, Verbs: []string{"use"}})},

	"alpha-deprecated-apis/removed":  {object("policy/v1beta1", "PodDisruptionBudget", "")},
	"good-practices/deployment":      {spec(func(s *olm.Spec) { s.Install.Spec.Deployments = nil })},
	"good-practices/name":            {csv(func(c *olm.ClusterServiceVersion) { c.Metadata.Name = "gate.v0.1.0" }), spec(func(s *olm.Spec) { s.Version = "0.2.0" })},
	"good-practices/crd-description": {spec(func(s *olm.Spec) { s.CustomResourceDefinitions.Owned[0].Description = "" })},
	"good-practices/requests":        {container(func(c *corev1.Container) { delete(c.Resources.Requests, corev1.ResourceCPU) }), container(func(c *corev1.Container) { delete(c.Resources.Requests, corev1.ResourceMemory) })},
	"good-practices/probes":          {container(func(c *corev1.Container) { c.ReadinessProbe = nil })},
	"good-practices/crd-rights":      {rule(rbacv1.PolicyRule{APIGroups: []string{"apiextensions.k8s.io"}, Resources: []string{"customresourcedefinitions"}, Verbs: []string{"create"}})},
	"good-practices/channels":        {swap(annotationsFile, "channels.v1: candidate-v0", "channels.v1: candidate-v0,alpha")},
	"good-practices/default-channel": {swap(annotationsFile, "operators.operatorframework.io.bundle.channel.default.v1: candidate-v0\n", "")},
	"multiarch/labels":               {csv(func(c *olm.ClusterServiceVersion) { c.Metadata.Labels = nil })},
	"multiarch/affinity":             {csv(func(c *olm.ClusterServiceVersion) { c.Metadata.Labels[archLabel+"s390x"] = "supported" }), spec(func(s *olm.Spec) { s.Install.Spec.Deployments[0].Spec.Template.Spec.Affinity = nil })},

	"scorecard/config":    {without(scorecardFile), swap(scorecardFile, "- olm-spec-descriptors\n", "- olm-descriptors\n")},
	"scorecard/resources": {spec(func(s *olm.Spec) { s.CustomResourceDefinitions.Owned[0].Resources = nil })},
	"scorecard/spec-descriptors": {spec(func(s *olm.Spec) {
		d := &s.CustomResourceDefinitions.Owned[0]
		d.SpecDescriptors = d.SpecDescriptors[1:]
	}), spec(func(s *olm.Spec) { s.CustomResourceDefinitions.Owned[0].SpecDescriptors[0].Path = "replicas" }), spec(func(s *olm.Spec) { s.CustomResourceDefinitions.Owned[0].SpecDescriptors[0].Description = "" })},
	"scorecard/status-descriptors": {spec(func(s *olm.Spec) { s.CustomResourceDefinitions.Owned[0].StatusDescriptors = nil })},
	"scorecard/spec":               {annotation("alm-examples", example1+`"spec":{}}]`)},
	"scorecard/validation":         {annotation("alm-examples", example1+`"spec":{"replica":1}}]`), annotation("alm-examples", example1+`"spec":{"workload":{}},"status":{"phase":"x"}}]`)},

	"olmv1/all-namespaces": {spec(func(s *olm.Spec) { s.InstallModes[3].Supported = false })},
	"olmv1/api-services":   {spec(func(s *olm.Spec) { s.APIServiceDefinitions.Owned = []olm.Definition{{Name: "a"}} })},
	"olmv1/required-crds": {spec(func(s *olm.Spec) {
		s.CustomResourceDefinitions.Required = []olm.Definition{{Name: "gateways.gateway.networking.k8s.io"}}
	})},
	"olmv1/dependencies":        {put("metadata/dependencies.yaml", "dependencies: [{type: olm.package, value: {packageName: a}}]")},
	"olmv1/deployment-names":    {spec(func(s *olm.Spec) { d := &s.Install.Spec; d.Deployments = append(d.Deployments, d.Deployments[0]) })},
	"olmv1/webhook-names":       {spec(func(s *olm.Spec) { s.WebhookDefinitions = []olm.Webhook{{GenerateName: "a"}, {GenerateName: "a"}} })},
	"olmv1/operator-conditions": {rule(rbacv1.PolicyRule{APIGroups: []string{"operators.coreos.com"}, Resources: []string{"operatorconditions"}, Verbs: []string{"update"}})},
}

// Each rule can be broken, alone as far as it stands alone, and is then told.
func TestMutations(t *testing.T) {
	whole := fixture(t)
	for name, all := range mutations {
		for i, mutate := range all {
			files := maps.Clone(whole)
			mutate(t, files)
			if got := rulesOf(Bundle(files)); !slices.Contains(got, name) {
				t.Errorf("%s: mutation %d breaks only %v", name, i, got)
			}
		}
	}
}

// ruleName finds the rules' names in the code.
var ruleName = regexp.MustCompile(`"((?:format|csv|crd|bundle|hub|capabilities|categories|install|object|alpha-deprecated-apis|good-practices|multiarch|scorecard|olmv1)/[a-z0-9-]+)"`)

// No rule is without a mutation that shows that it can be broken.
func TestEveryRuleIsBrokenOnce(t *testing.T) {
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	known := 0
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") || name == "upgrade.go" {
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range ruleName.FindAllStringSubmatch(string(source), -1) {
			known++
			if mutations[match[1]] == nil && !slices.Contains(accepted, match[1]) {
				t.Errorf("%s: nothing breaks %s", name, match[1])
			}
		}
	}
	if known < len(mutations) {
		t.Errorf("%d uses of rules in the code, %d rules with mutations", known, len(mutations))
	}
}
