package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/fleetgate/fleetgate/test/cluster/client"
	"github.com/fleetgate/fleetgate/test/internal/stack"
	"github.com/fleetgate/fleetgate/test/internal/tenant"
)

// host is the name that both tenants' routes serve.
const host = "shop.example.com"

// show is the demo from beginning to end.
func show(ctx context.Context) error {
	start := time.Now()
	s, err := stack.Up(ctx, os.Stdout)
	if err != nil {
		return err
	}
	d := &demo{stack: s, http: s.HTTPClient()}
	steps := []struct {
		title string
		do    func(context.Context) error
	}{
		{"Two tenants: a Gateway each, the same names, the same hostname", d.tenants},
		{"What the operator made for the Gateway of tenant-a", d.objects},
		{"A few requests", d.requests},
		{"1,000 requests at 90 to 10", d.split},
		{"From kubectl apply of a changed weight to its effect", d.change},
		{"What the sensor of tenant-a saw of it", d.sensor},
	}
	for _, step := range steps {
		fmt.Printf("\n── %s\n\n", step.title)
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", strings.ToLower(step.title), err)
		}
	}
	fmt.Printf("\nAll of it took %.0f s.\n", time.Since(start).Seconds())
	fmt.Print(ending)
	return nil
}

const ending = `
Look around:
  make kubectl ARGS="get gateways,httproutes -A"
  make kubectl ARGS="describe gateway web -n tenant-a"
  make kubectl ARGS="get configmap web-fleetgate-config -n tenant-a -o yaml"
  make kubectl ARGS="logs -n fleetgate-system deployment/fleetgate-controller-manager"
Take it down:
  make demo-down
`

// demo is what its steps share.
type demo struct {
	stack *stack.Stack
	http  *http.Client
	// a and b are the Gateways of the two tenants, at these addresses.
	a, b               tenant.Gateway
	addressA, addressB string
	// before is what the sensors of tenant-a had counted when the demo began,
	// and sent how many requests it sent there since.
	before observation
	sent   int64
}

func (d *demo) sample(name string) string {
	return filepath.Join(d.stack.Root, "config", "samples", "demo", name)
}

func (d *demo) tenants(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	if err := d.stack.ApplyFiles(ctx, d.sample("tenant-a.yaml"), d.sample("tenant-b.yaml")); err != nil {
		return err
	}
	for _, namespace := range []string{"tenant-a", "tenant-b"} {
		for _, name := range []string{"shop-v1", "shop-v2", "web-fleetgate"} {
			if err := d.waitDeployment(ctx, namespace, name); err != nil {
				return err
			}
		}
	}
	var err error
	d.a = tenant.Gateway{Cluster: d.stack.Cluster, Name: types.NamespacedName{Namespace: "tenant-a", Name: "web"}}
	d.b = tenant.Gateway{Cluster: d.stack.Cluster, Name: types.NamespacedName{Namespace: "tenant-b", Name: "web"}}
	if d.addressA, err = d.a.WaitProgrammed(ctx); err != nil {
		return err
	}
	if d.addressB, err = d.b.WaitProgrammed(ctx); err != nil {
		return err
	}
	if err := d.a.WaitMeasured(ctx, d.http); err != nil {
		return err
	}
	if d.before, err = d.observe(ctx); err != nil {
		return err
	}
	return d.kubectl(ctx, "get", "gateways", "-A")
}

// waitDeployment also waits for the Deployment to come into being.
func (d *demo) waitDeployment(ctx context.Context, namespace, name string) error {
	return client.Poll(ctx, func(ctx context.Context) error {
		return d.stack.WaitDeployment(ctx, namespace, name)
	})
}

func (d *demo) objects(ctx context.Context) error {
	return d.kubectl(ctx, "get", "deployments,pods,services,configmaps,secrets,serviceaccounts,roles,rolebindings,poddisruptionbudgets,networkpolicies",
		"-n", "tenant-a", "-l", "gateway.networking.k8s.io/gateway-name=web", "--show-kind", "--no-headers")
}

// kubectl shows a command and what it prints.
func (d *demo) kubectl(ctx context.Context, args ...string) error {
	fmt.Printf("$ kubectl %s\n", strings.Join(args, " "))
	out, err := d.stack.Kubectl(ctx, args...)
	fmt.Print(string(out))
	return err
}
