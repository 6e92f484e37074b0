package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/fleetgate/fleetgate/test/internal/stack"
)

// Addresses that a Gateway may ask for: one that the cluster's load balancer has,
// far from those that it gives to whoever asks for none, and one that is nobody's
// (RFC 5737).
const (
	usableAddress   = "10.78.7.77"
	unusableAddress = "192.0.2.1"
)

// keptReport is named as the Gateway API's conformance/reports asks for.
const keptReport = "test/conformance/reports/v1.7.0/experimental-" + stack.Tag + "-default-report.yaml"

// otherClass is the GatewayClass of a run under other names.
const otherClass = `apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: edge}
spec: {controllerName: fleetgate.io/gateway-controller}
`

// conformance builds the official suite and runs it inside the cluster's
// network. Further arguments go to the suite, such as
// -test.run=TestConformance/HTTPRouteMatching. The report is written to dist, and
// that of a run without such arguments, if nothing failed, to keptReport as well.
// With -renamed, what the suite makes has other names, and a GatewayClass of
// another name as well.
func conformance(ctx context.Context, args []string) error {
	s, err := stack.Up(ctx, os.Stdout)
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "fleetgate-conformance-")
	if err != nil {
		return fmt.Errorf("making a folder for the suite: %w", err)
	}
	defer os.RemoveAll(folder)
	binary := filepath.Join(folder, "conformance.test")
	fmt.Println("── build the suite")
	build := exec.CommandContext(ctx, "go", "test", "-c", "-trimpath", "-o", binary, ".")
	build.Dir = filepath.Join(s.Root, "test", "conformance")
	build.Stdout, build.Stderr = os.Stdout, os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("building the suite: %w", err)
	}
	class := stack.GatewayClass
	if slices.Contains(args, "-renamed") {
		class = "edge"
		if _, err := s.Apply(ctx, []byte(otherClass)); err != nil {
			return err
		}
	}
	fmt.Println("── run it")
	report := filepath.Join(s.Root, "dist", "conformance-report.yaml")
	suite := exec.CommandContext(ctx, binary, append([]string{
		"-test.v", "-test.timeout=60m",
		"--gateway-class=" + class,
		"--conformance-profiles=GATEWAY-HTTP,GATEWAY-GRPC,GATEWAY-TLS,GATEWAY-TCP,GATEWAY-UDP",
		"--organization=fleetgate", "--project=fleetgate", "--version=" + stack.Tag,
		"--url=https://github.com/fleetgate/fleetgate", "--contact=maintainers@fleetgate.io",
		// The Gateways of tests that run beside each other ask for more than a node of
		// two cores has.
		"--disable-parallel-tests",
		"--usable-address=" + usableAddress, "--unusable-address=" + unusableAddress,
		"--report-output=" + report,
	}, args...)...)
	suite.Dir = folder
	suite.Stdout, suite.Stderr = os.Stdout, os.Stderr
	if err := os.MkdirAll(filepath.Join(s.Root, "dist"), 0o755); err != nil {
		return fmt.Errorf("making the report's folder: %w", err)
	}
	if err := s.Start(suite); err != nil {
		return fmt.Errorf("starting the suite: %w", err)
	}
	if err := suite.Wait(); err != nil || len(args) > 0 {
		return err
	}
	return keep(report, filepath.Join(s.Root, keptReport))
}

func keep(report, place string) error {
	text, err := os.ReadFile(report)
	if err != nil {
		return fmt.Errorf("reading the report: %w", err)
	}
	if err := os.WriteFile(place, text, 0o644); err != nil {
		return fmt.Errorf("keeping the report: %w", err)
	}
	fmt.Println("── the report is in", keptReport)
	return nil
}
