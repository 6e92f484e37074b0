package e2e

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fleetgate/fleetgate/test/cluster/client"
	"github.com/fleetgate/fleetgate/test/internal/load"
	"github.com/fleetgate/fleetgate/test/internal/observe"
	"github.com/fleetgate/fleetgate/test/internal/page"
)

// promised is what the reader of a page is told to see, as patterns.
var promised = map[string][]string{
	"install":         {`"fleetgate-controller-manager" successfully rolled out`, `fleetgate condition met`, `/fleetgate/catalog@sha256:`, `catalog.yaml`},
	"first-gateway":   {`web condition met`, `HTTP/1.1 200 OK`, `web +fleetgate +[0-9.]+ +True`, `networkpolicy\S*/web-fleetgate`},
	"tls":             {`(?m)^200 over HTTP/2$`, `(?m)^ *200 200$`},
	"monitoring":      {`release=stack`, `web condition met`, `prometheusrule\S*/fleetgate-rules`},
	"tuning":          {`"requestID":"my-request"`, `"requestID":"second-request"`, `workload\.replicas`},
	"troubleshooting": {`ResolvedRefs=False BackendNotFound`, `(?m)^500$`, `(?m)^200$`, `"logger"`},
	"security":        {`secrets`, `(?m)^no`, `sensor: \S*"drop":\["ALL"\]`},
	"node-agents":     {`"fleetgate-node-agent" successfully rolled out`},
	"upgrade":         {`"fleetgate-controller-manager" successfully rolled out`, `shop +web-fleetgate +\S+/proxy:v0.1.0`},
	"uninstall":       {`(?m)^nothing is left$`},
	"README":          {`HTTP/1.1 200 OK`},
}

// serial finds a certificate's serial number where a page shows one.
var serial = regexp.MustCompile(`(?m)^serial=.*$`)

// reader is somebody who does what the guides say, from a clone of the repository.
type reader struct {
	// registry is where the reader pushes images to, with the path that their names have.
	registry string
}

// A newcomer who has a cluster and a registry follows the guides from the first page to the
// last, after which there is nothing left, and then the README.
func TestGuidesCanBeFollowed(t *testing.T) {
	files, err := page.Guides(cluster.Root)
	if err != nil {
		t.Fatal(err)
	}
	mine := filepath.Join(cluster.Root, "config", "mine")
	if _, err := os.Stat(mine); err == nil {
		t.Fatalf("%s is there already, and the guides would write to it", mine)
	}
	t.Cleanup(func() {
		os.RemoveAll(mine)
		leaveShop(t)
		reinstall(t)
		if err := cluster.ApplyFiles(context.Background(), filepath.Join(cluster.Root, "config", "samples", "gatewayclass.yaml")); err != nil {
			t.Error(err)
		}
	})
	leaveShop(t)
	makeIn(t, "undeploy")
	wantNoOperator(t)
	r := reader{registry: startRegistry(t)}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".md")
		ok := t.Run(name, func(t *testing.T) {
			if name == "monitoring" {
				r.monitors(t, file)
				return
			}
			r.follows(t, file)
		})
		// What comes next begins where this was to end.
		if !ok {
			return
		}
	}
}

// The first pages alone, with images that are there, so that a change of them that cannot be
// followed is noticed each time.
func TestFirstGuidesCanBeFollowed(t *testing.T) {
	t.Parallel()
	leaveShop(t)
	t.Cleanup(func() { leaveShop(t) })
	r := reader{registry: "fleetgate.io"}
	for _, name := range []string{"first-gateway", "tls", "troubleshooting"} {
		if !t.Run(name, func(t *testing.T) { r.follows(t, filepath.Join(cluster.Root, "docs", "guides", name+".md")) }) {
			return
		}
	}
}

// startRegistry runs a registry that the node pulls from, and returns what names of images
// begin with there.
func startRegistry(t *testing.T) string {
	t.Helper()
	listener, err := cluster.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: registry.New(registry.Logger(log.New(io.Discard, "", 0))), ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { server.Close() })
	return listener.Addr().String() + "/fleetgate"
}

// leaveShop removes the namespace that the guides make.
func leaveShop(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}
	err := client.Poll(ctx, func(ctx context.Context) error {
		if err := cluster.Client.Delete(ctx, namespace); err != nil {
			return ctrlclient.IgnoreNotFound(err)
		}
		return fmt.Errorf("namespace %s is on its way out", namespace.Name)
	})
	if err != nil {
		t.Error(err)
	}
}

// follows runs all commands of a page in one shell, and looks for what the page promises.
func (r reader) follows(t *testing.T, file string) []page.Block {
	t.Helper()
	blocks, err := page.Blocks(file)
	if err != nil {
		t.Fatal(err)
	}
	commands := page.Texts(blocks, page.Shell)
	if len(commands) == 0 {
		return blocks
	}
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Minute)
	defer cancel()
	script := "exec 2>&1\ncd " + cluster.Root + "\n" + strings.Join(commands, "\n")
	begun := time.Now()
	out, err := cluster.Exec(ctx, "env", "REGISTRY="+r.registry, "TMPDIR="+t.TempDir(), "bash", "-euxo", "pipefail", "-c", script)
	if err != nil {
		shop := tenantSpace{t: t, namespace: "shop"}
		shop.dump()
		t.Fatalf("%v\n%s", err, out)
	}
	wantPromised(t, blocks[0].Page, string(out))
	t.Logf("measured: %d blocks of %s in %.0f s", len(commands), blocks[0].Page, time.Since(begun).Seconds())
	return blocks
}

// wantPromised asserts that what came of a page's commands is what it says.
func wantPromised(t *testing.T, name, out string) {
	t.Helper()
	patterns, ok := promised[name]
	if !ok {
		t.Errorf("nobody looks at what comes of %s", name)
	}
	for _, pattern := range patterns {
		if !regexp.MustCompile(pattern).MatchString(out) {
			t.Errorf("nothing is as promised by %s:\n%s", pattern, out)
		}
	}
	if shown := serial.FindAllString(out, -1); name == "tls" && (len(shown) != 2 || shown[0] != shown[1]) {
		t.Errorf("the new certificate and the one that is served are %v", shown)
	}
}

// monitors follows the page on monitoring, in a cluster with a Prometheus that nobody has
// told of Fleetgate.
func (r reader) monitors(t *testing.T, file string) {
	p, err := observe.Start(t.Context(), cluster, os.Stdout)
	t.Cleanup(func() {
		if err := observe.Down(context.Background(), cluster); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cluster.Kubectl(t.Context(), "delete", "clusterrolebinding", binding); err != nil {
		t.Fatal(err)
	}
	blocks := r.follows(t, file)
	s := &tenantSpace{t: t, namespace: "shop", gateway: gatewayIn("shop")}
	s.waitProgrammed()
	m := &monitored{tenantSpace: s, prometheus: p}
	m.waitTargets(t)
	run := load.Start(t.Context(), load.Options{
		Client: cluster.HTTPClient(), URL: "http://" + net.JoinHostPort(m.address, "80") + "/", Host: demoHost, Workers: 1, Pace: 20 * time.Millisecond,
	})
	defer run.Stop()
	for _, query := range page.Texts(blocks, page.Query) {
		m.wantData(t, query)
	}
}
