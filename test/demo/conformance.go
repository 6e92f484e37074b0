package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/fleetgate/fleetgate/test/internal/stack"
)

// conformance builds the official suite and runs it inside the cluster's
// network. Further arguments go to the suite, such as
// -test.run=TestConformance/HTTPRouteMatching.
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
	fmt.Println("── run it")
	suite := exec.CommandContext(ctx, binary, append([]string{
		"-test.v", "-test.timeout=45m",
		"--gateway-class=" + stack.GatewayClass,
		"--conformance-profiles=GATEWAY-HTTP,GATEWAY-GRPC,GATEWAY-TLS,GATEWAY-TCP,GATEWAY-UDP",
		"--organization=fleetgate", "--project=fleetgate", "--version=" + stack.Tag,
		"--url=https://github.com/fleetgate/fleetgate", "--contact=maintainers@fleetgate.io",
		"--report-output=" + filepath.Join(s.Root, "dist", "conformance-report.yaml"),
	}, args...)...)
	suite.Dir = folder
	suite.Stdout, suite.Stderr = os.Stdout, os.Stderr
	if err := os.MkdirAll(filepath.Join(s.Root, "dist"), 0o755); err != nil {
		return fmt.Errorf("making the report's folder: %w", err)
	}
	if err := s.Start(suite); err != nil {
		return fmt.Errorf("starting the suite: %w", err)
	}
	return suite.Wait()
}
