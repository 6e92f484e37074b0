package client

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/fleetgate/fleetgate/test/images"
)

// Exec runs a command in all of the cluster's namespaces and returns what it
// wrote to its standard output. The cluster's programs (kubectl, ctr, ...) are
// on its path and KUBECONFIG is set. An error tells what it wrote to its
// standard error.
func (c *Cluster) Exec(ctx context.Context, name string, args ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, name, args...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := c.host.Run(command); err != nil {
		return stdout.Bytes(), fmt.Errorf("running %s %s: %w: %s", name, strings.Join(args, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return stdout.Bytes(), nil
}

// Kubectl is Exec of kubectl.
func (c *Cluster) Kubectl(ctx context.Context, args ...string) ([]byte, error) {
	return c.Exec(ctx, "kubectl", args...)
}

// Start starts a command in all of the cluster's namespaces; the caller waits
// for it. It ends with the cluster at the latest.
func (c *Cluster) Start(command *exec.Cmd) error { return c.host.Start(command) }

// LoadArchive imports an image archive into the node.
func (c *Cluster) LoadArchive(ctx context.Context, archive string) error {
	return c.host.Load(ctx, archive)
}

// LoadImages builds the images and imports them into the node.
func (c *Cluster) LoadImages(ctx context.Context, specs ...images.Spec) error {
	folder, err := os.MkdirTemp("", "fleetgate-images-")
	if err != nil {
		return fmt.Errorf("making a folder for images: %w", err)
	}
	defer os.RemoveAll(folder)
	archive := filepath.Join(folder, "images.tar")
	if err := images.WriteFile(archive, specs...); err != nil {
		return err
	}
	return c.LoadArchive(ctx, archive)
}
