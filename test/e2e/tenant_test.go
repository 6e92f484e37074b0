package e2e

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"text/template"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fleetgate/fleetgate/test/cluster/client"
	"github.com/fleetgate/fleetgate/test/internal/load"
	"github.com/fleetgate/fleetgate/test/internal/tenant"
)

// patience is for what Kubernetes takes its time with, such as starting pods.
const patience = 2 * time.Minute

//go:embed testdata
var testdata embed.FS

// tenantSpace is a namespace of one test, with a Gateway called web in it.
type tenantSpace struct {
	t         *testing.T
	namespace string
	gateway   tenant.Gateway
	address   string
	// bundle says whether there is a ClusterTrustBundle.
	bundle bool
}

// newTenant makes a namespace whose deletion begins when the test ends. It takes
// as long as the pods' grace periods, so the next test does not wait for it.
func newTenant(t *testing.T, name string) *tenantSpace {
	t.Helper()
	s := &tenantSpace{t: t, namespace: "e2e-" + name}
	s.gateway = tenant.Gateway{Cluster: cluster.Cluster, Name: types.NamespacedName{Namespace: s.namespace, Name: "web"}}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.namespace}}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	// One of an earlier run may still be on its way out.
	if err := client.Poll(ctx, func(ctx context.Context) error { return cluster.Client.Create(ctx, namespace) }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			s.dump()
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := cluster.Client.Delete(ctx, namespace); ctrlclient.IgnoreNotFound(err) != nil {
			t.Error(err)
		}
	})
	return s
}

// serving makes a tenant with a Gateway that is programmed, and a backend.
func serving(t *testing.T, name string, backends ...string) *tenantSpace {
	t.Helper()
	s := newTenant(t, name)
	s.apply("gateway", nil)
	for _, backend := range backends {
		s.apply("backend", map[string]any{"Name": backend, "Replicas": 2})
	}
	for _, backend := range backends {
		s.waitBackend(backend)
	}
	s.waitProgrammed()
	return s
}

// route applies a route of the given name, host, mark and backend.
func (s *tenantSpace) route(name, host, mark, backend string) {
	s.t.Helper()
	s.apply("route", map[string]any{"Name": name, "Host": host, "Mark": mark, "Backend": backend})
}

// apply renders a template of testdata for the tenant's namespace.
func (s *tenantSpace) apply(name string, values map[string]any) {
	s.t.Helper()
	text, err := testdata.ReadFile("testdata/" + name + ".yaml")
	if err != nil {
		s.t.Fatal(err)
	}
	s.applyText(string(text), values)
}

// applyText is apply for a manifest within the test.
func (s *tenantSpace) applyText(text string, values map[string]any) {
	s.t.Helper()
	all := map[string]any{"Namespace": s.namespace}
	for key, value := range values {
		all[key] = value
	}
	var manifest bytes.Buffer
	if err := template.Must(template.New("manifest").Option("missingkey=error").Parse(text)).Execute(&manifest, all); err != nil {
		s.t.Fatal(err)
	}
	if _, err := cluster.Apply(s.t.Context(), manifest.Bytes()); err != nil {
		s.t.Fatal(err)
	}
}

func (s *tenantSpace) waitDeployment(name string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	err := client.Poll(ctx, func(ctx context.Context) error { return cluster.WaitDeployment(ctx, s.namespace, name) })
	if err != nil {
		s.t.Fatal(err)
	}
}

// waitBackend waits until the pods of a backend run, and Kubernetes says where they are.
func (s *tenantSpace) waitBackend(name string) {
	s.t.Helper()
	s.waitDeployment(name)
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: name}}
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	if err := cluster.Client.Get(ctx, ctrlclient.ObjectKeyFromObject(d), d); err != nil {
		s.t.Fatal(err)
	}
	if err := cluster.WaitEndpoints(ctx, s.namespace, name, int(*d.Spec.Replicas)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *tenantSpace) waitProgrammed() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	s.waitDeployment("web-fleetgate")
	var err error
	if s.address, err = s.gateway.WaitProgrammed(ctx); err != nil {
		s.t.Fatal(err)
	}
}

// dump logs what a person would look at first.
func (s *tenantSpace) dump() {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for _, args := range [][]string{
		{"get", "pods,gateways,httproutes,endpointslices", "-n", s.namespace, "-o", "wide"},
		{"get", "gateways,httproutes", "-n", s.namespace, "-o", "jsonpath={range .items[*]}{.metadata.name}{\": \"}{.status}{\"\\n\"}{end}"},
		{"get", "backendtlspolicies,xbackends", "-n", s.namespace, "-o", "jsonpath={range .items[*]}{.metadata.name}{\": \"}{.status}{\"\\n\"}{end}"},
		{"get", "events", "-n", s.namespace, "--sort-by=.lastTimestamp"},
		{"get", "pods", "-n", "fleetgate-system", "-o", "wide"},
		{"logs", "-n", "fleetgate-system", "deployment/fleetgate-controller-manager", "--tail=40"},
		{"logs", "-n", "fleetgate-system", "deployment/fleetgate-controller-manager", "--tail=20", "--previous"},
		{"logs", "-n", s.namespace, "-l", "app.kubernetes.io/name=fleetgate-proxy", "-c", "proxy", "--tail=30", "--prefix"},
	} {
		out, err := cluster.Kubectl(ctx, args...)
		s.t.Logf("kubectl %s\n%s", strings.Join(args, " "), out)
		if err != nil {
			s.t.Log(err)
		}
	}
}

// answer is what came back for one request.
type answer struct {
	Status        int
	Mark          string
	Name, Version string
}

// get sends one request to the Gateway.
func (s *tenantSpace) get(ctx context.Context, http1 *http.Client, host, path string) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.address+path, nil)
	if err != nil {
		return answer{}, err
	}
	req.Host = host
	resp, err := http1.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	a := answer{Status: resp.StatusCode, Mark: resp.Header.Get("X-Mark")}
	if resp.StatusCode == http.StatusOK {
		err = json.NewDecoder(resp.Body).Decode(&a)
	}
	return a, err
}

// waitFor sends requests until one is answered as wanted.
func (s *tenantSpace) waitFor(host, path string, want answer) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer cancel()
	http1 := cluster.HTTPClient()
	err := client.Poll(ctx, func(ctx context.Context) error {
		got, err := s.get(ctx, http1, host, path)
		if err == nil && got != want {
			err = fmt.Errorf("%s%s answers %+v, want %+v", host, path, got, want)
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// load sends requests to the host until it is stopped.
func (s *tenantSpace) load(host string, opts load.Options) *load.Run {
	opts.Client, opts.URL, opts.Host = cluster.HTTPClient(), "http://"+s.address+"/", host
	return load.Start(s.t.Context(), opts)
}

// wantNoneFailed ends the load and asserts that none of at least n requests
// failed.
func wantNoneFailed(t *testing.T, run *load.Run, n int64) load.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if err := run.WaitSent(ctx, n); err != nil {
		t.Error(err)
	}
	result := run.Stop()
	t.Logf("measured: %s", result)
	if result.Failed > 0 {
		t.Errorf("%d requests failed, want none", result.Failed)
	}
	return result
}
