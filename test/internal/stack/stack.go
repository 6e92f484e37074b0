package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/fleetgate/fleetgate/test/cluster/client"
)

// The names of what Up installs.
const (
	Namespace    = "fleetgate-system"
	Operator     = "fleetgate-controller-manager"
	GatewayClass = "fleetgate"
)

// Stack is a cluster with Fleetgate in it.
type Stack struct {
	*client.Cluster
	// Root is the folder of the repository.
	Root string

	out io.Writer
}

// Up brings everything up and waits until the operator is ready. It tells on
// out what it does and how long each step took.
func Up(ctx context.Context, out io.Writer) (*Stack, error) {
	root, err := findRoot()
	if err != nil {
		return nil, err
	}
	s := &Stack{Root: root, out: out}
	steps := []struct {
		name string
		do   func(context.Context) error
	}{
		{"start Kubernetes", s.startCluster},
		{"build Fleetgate", s.build},
		{"load the images", s.loadImages},
		{"install the Gateway API, experimental channel", s.installCRDs},
		{"install the operator", s.installOperator},
	}
	for _, step := range steps {
		start := time.Now()
		fmt.Fprintf(out, "── %s\n", step.name)
		if err := step.do(ctx); err != nil {
			return nil, fmt.Errorf("%s: %w", step.name, err)
		}
		fmt.Fprintf(out, "   %.1f s\n", time.Since(start).Seconds())
	}
	return s, nil
}

// Down ends the cluster with all that is in it.
func Down(ctx context.Context, out io.Writer) error {
	root, err := findRoot()
	if err != nil {
		return err
	}
	s := &Stack{Root: root, out: out}
	return s.run(ctx, "test", "go", "run", "./cluster", "down")
}

// findRoot walks up to the folder of the product's go.mod, which is the one
// with a Makefile.
func findRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("finding the repository: %w", err)
	}
	for ; dir != "/"; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "Makefile")); err == nil {
			return dir, nil
		}
	}
	return "", errors.New("finding the repository: no Makefile above the working directory")
}

func (s *Stack) startCluster(ctx context.Context) error {
	if err := s.run(ctx, "test", "go", "run", "./cluster", "up"); err != nil {
		return err
	}
	var err error
	s.Cluster, err = client.Connect(client.Options{})
	return err
}

func (s *Stack) build(ctx context.Context) error {
	return s.run(ctx, ".", "make", "-s", "build", "build-echo")
}

func (s *Stack) installCRDs(ctx context.Context) error {
	return s.InstallCRDs(ctx, "experimental")
}

// InstallPrometheus gives the cluster the kinds and the images that a Prometheus takes,
// building them the first time.
func (s *Stack) InstallPrometheus(ctx context.Context, out io.Writer) error {
	told := &Stack{Root: s.Root, out: out}
	return told.run(ctx, "test", "go", "run", "./cluster", "prometheus")
}

// run runs a command in a folder of the repository; what it prints goes to out.
func (s *Stack) run(ctx context.Context, folder, name string, args ...string) error {
	command := exec.CommandContext(ctx, name, args...)
	command.Dir = filepath.Join(s.Root, folder)
	command.Stdout, command.Stderr = s.out, s.out
	if err := command.Run(); err != nil {
		return fmt.Errorf("running %s: %w", name, err)
	}
	return nil
}
