package main_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/test/cluster/client"
)

// TestLifecycle starts, kills, uses and ends a real cluster. It takes down the
// one that runs, and so runs only when asked to: FLEETGATE_CLUSTER=1, as root.
// The steps build on each other.
func TestLifecycle(t *testing.T) {
	if os.Getenv("FLEETGATE_CLUSTER") != "1" {
		t.Skip("FLEETGATE_CLUSTER is not 1: this test takes the running cluster down")
	}
	c := command{t: t, path: buildCommand(t)}
	c.run("down")
	before := survey(t, nil)
	t.Cleanup(func() { c.run("down") })

	t.Run("up", func(t *testing.T) {
		c := c.in(t)
		c.expect("The cluster is up:", "up")
		c.expect("up", "status")
	})
	t.Run("second up says so", func(t *testing.T) {
		c.in(t).expect("is up already", "up")
	})
	t.Run("pods, services, balancers and names", useCluster)
	t.Run("kept state comes back", func(t *testing.T) {
		c := c.in(t)
		c.run("down", "--keep")
		c.run("up", "--keep")
		c.expect("lifecycle", "kubectl", "get", "namespace", "lifecycle")
	})
	t.Run("up after init was killed starts afresh", func(t *testing.T) {
		c := c.in(t)
		kill(t, c.initPID())
		c.expect("The cluster is up:", "up")
		if out, err := c.try("kubectl", "get", "namespace", "lifecycle"); err == nil {
			t.Errorf("state of the former cluster is still there:\n%s", out)
		}
	})
	namespaces := namespacesOf(t, c.initPID())
	t.Run("down leaves nothing", func(t *testing.T) {
		c := c.in(t)
		c.run("down")
		compare(t, before, survey(t, namespaces))
		c.expect("down", "status")
	})
	t.Run("up after a killed up", func(t *testing.T) {
		c := c.in(t)
		c.killUp()
		c.run("up")
		c.expect("node1", "kubectl", "get", "nodes")
	})
	t.Run("down after a killed up leaves nothing", func(t *testing.T) {
		c := c.in(t)
		c.run("down")
		c.killUp()
		c.run("down")
		compare(t, before, survey(t, namespaces))
	})
}

// command calls the program under test.
type command struct {
	t    *testing.T
	path string
}

func buildCommand(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "cluster")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("building the command: %v\n%s", err, out)
	}
	return path
}

func (c command) in(t *testing.T) command { return command{t: t, path: c.path} }

func (c command) try(args ...string) (string, error) {
	var out bytes.Buffer
	run := exec.Command(c.path, args...)
	run.Stdout, run.Stderr = &out, &out
	err := run.Run()
	return out.String(), err
}

func (c command) run(args ...string) string {
	c.t.Helper()
	out, err := c.try(args...)
	if err != nil {
		c.t.Fatalf("cluster %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func (c command) expect(want string, args ...string) {
	c.t.Helper()
	if out := c.run(args...); !strings.Contains(out, want) {
		c.t.Errorf("cluster %s: got %q, want it to hold %q", strings.Join(args, " "), out, want)
	}
}

func (c command) initPID() int {
	c.t.Helper()
	match := regexp.MustCompile(`init process +(\d+)`).FindStringSubmatch(c.run("status"))
	if match == nil {
		c.t.Fatal("status names no init process")
	}
	pid, err := strconv.Atoi(match[1])
	if err != nil {
		c.t.Fatal(err)
	}
	return pid
}

// killUp starts the cluster and kills the command as soon as the cluster's
// init shows life.
func (c command) killUp() {
	c.t.Helper()
	up := exec.Command(c.path, "up")
	out, err := up.StdoutPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	if err := up.Start(); err != nil {
		c.t.Fatal(err)
	}
	if !bufio.NewScanner(out).Scan() {
		c.t.Error("up said nothing")
	}
	if err := up.Process.Kill(); err != nil {
		c.t.Error(err)
	}
	if err := up.Wait(); err == nil {
		c.t.Error("up ended well, though it was killed")
	}
}

func kill(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// useCluster runs pods from scratch images and reaches them in every way.
func useCluster(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	c, err := client.Connect(client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.ApplyFS(ctx, os.DirFS("testdata"), "lifecycle.yaml"); err != nil {
		t.Fatal(err)
	}
	if err := c.WaitDeployment(ctx, "lifecycle", "echo"); err != nil {
		t.Fatal(err)
	}
	clusterIP, err := c.Kubectl(ctx, "get", "service", "echo", "--namespace=lifecycle", "--output=jsonpath={.spec.clusterIP}")
	if err != nil {
		t.Fatal(err)
	}
	for name, address := range map[string]string{
		"cluster address":  string(clusterIP),
		"balancer address": "10.78.7.7",
		"name":             "echo.lifecycle.svc",
	} {
		err := client.Poll(ctx, func(ctx context.Context) error { return askEcho(ctx, c.HTTPClient(), address) })
		if err != nil {
			t.Errorf("by %s (%s): %v", name, address, err)
		}
	}
	checkNoWayOut(ctx, t, c)
	if err := c.InstallCRDs(ctx, "experimental"); err != nil {
		t.Error(err)
	}
}

// checkNoWayOut looks for a default route: one whose destination is all zeros.
func checkNoWayOut(ctx context.Context, t *testing.T, c *client.Cluster) {
	t.Helper()
	out, err := c.Exec(ctx, "cat", "/proc/net/route")
	if err != nil {
		t.Fatal(err)
	}
	routes := strings.Split(strings.TrimSpace(string(out)), "\n")[1:]
	if len(routes) == 0 {
		t.Error("the network has no routes at all")
	}
	for _, r := range routes {
		if strings.Fields(r)[1] == "00000000" {
			t.Errorf("the network has a default route: %s", r)
		}
	}
}

func askEcho(ctx context.Context, asker *http.Client, address string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/", nil)
	if err != nil {
		return err
	}
	response, err := asker.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	var answer struct{ Namespace string }
	if err := json.Unmarshal(body, &answer); err != nil {
		return fmt.Errorf("%w: %s", err, body)
	}
	if answer.Namespace != "lifecycle" {
		return fmt.Errorf("answer is of namespace %q", answer.Namespace)
	}
	return nil
}
