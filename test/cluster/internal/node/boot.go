package node

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fleetgate/fleetgate/test/cluster/internal/layout"
)

// bootWithin is far more than a start takes on a busy machine; after it, what
// is not ready never will be.
const bootWithin = 5 * time.Minute

// boot starts all components, each as soon as what it needs is there, and
// returns when the cluster is ready: a pod could be made, run, and be found by
// name.
func boot(ctx context.Context, s *supervisor, line *timeline) error {
	ctx, cancel := context.WithTimeout(ctx, bootWithin)
	defer cancel()
	api, err := newAPI()
	if err != nil {
		return err
	}
	b := &bootstrap{supervisor: s, line: line, api: api}
	s.start(etcd())
	s.start(containerd())
	// The images are read while the control plane starts: both take some
	// seconds.
	work, workCtx := errgroup.WithContext(ctx)
	imported := make(chan struct{})
	work.Go(func() error {
		defer close(imported)
		return b.importImages(workCtx)
	})
	if err := errors.Join(b.controlPlane(workCtx), workCtx.Err()); err != nil {
		return errors.Join(err, work.Wait())
	}
	work.Go(func() error { return b.installDNS(workCtx) })
	// A kubelet that finds no pause image would try to fetch it.
	<-imported
	s.start(kubelet())
	if err := work.Wait(); err != nil {
		return err
	}
	return b.awaitAll(ctx)
}

// controlPlane starts what does not need containerd.
func (b *bootstrap) controlPlane(ctx context.Context) error {
	if err := b.await(ctx, "etcd", httpOK(etcdClient+"/health")); err != nil {
		return err
	}
	b.start(apiServer())
	if err := b.await(ctx, "kube-apiserver", b.api.ready); err != nil {
		return err
	}
	b.start(controllerManager())
	b.start(scheduler())
	b.start(kubeProxy())
	b.start(loadBalancer())
	return nil
}

// awaitAll returns when everything that was started does its work.
func (b *bootstrap) awaitAll(ctx context.Context) error {
	for _, step := range []struct {
		name string
		done probe
	}{
		{"kube-controller-manager", httpOK("https://127.0.0.1:10257/healthz")},
		{"kube-scheduler", httpOK("https://127.0.0.1:10259/healthz")},
		{"node", b.api.nodeReady},
		{"default service account", b.api.exists("/api/v1/namespaces/default/serviceaccounts/default")},
		{"cluster DNS", b.api.dnsReady},
	} {
		if err := b.await(ctx, step.name, step.done); err != nil {
			return err
		}
	}
	b.line.ready()
	return nil
}

// bootstrap is what the steps of a start have in common.
type bootstrap struct {
	*supervisor
	line *timeline
	api  *api
}

// await polls until the probe succeeds.
func (b *bootstrap) await(ctx context.Context, name string, done probe) error {
	const interval = 50 * time.Millisecond
	for {
		err := done(ctx)
		if err == nil {
			b.line.mark(name)
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w (last: %w)", name, ctx.Err(), err)
		case <-time.After(interval):
		}
	}
}

// importImages loads the archives that lie ready; without the one of the
// pause image no pod could start.
func (b *bootstrap) importImages(ctx context.Context) error {
	if err := b.await(ctx, "containerd", socketOpen(layout.ContainerdSocket)); err != nil {
		return err
	}
	archives, err := filepath.Glob(filepath.Join(layout.InImages, "*.tar"))
	if err != nil {
		return err
	}
	for _, archive := range archives {
		if err := b.runToEnd(ctx, "ctr", ImportCommand(archive)...); err != nil {
			return fmt.Errorf("importing %s: %w", filepath.Base(archive), err)
		}
	}
	b.line.mark("images")
	return nil
}

// ImportCommand loads an image archive into the node.
func ImportCommand(archive string) []string {
	return []string{"ctr", "--address=" + layout.ContainerdSocket, "--namespace=k8s.io", "images", "import", "--all-platforms", archive}
}

func (b *bootstrap) installDNS(ctx context.Context) error {
	err := b.runToEnd(ctx, "kubectl", "kubectl", "--kubeconfig="+layout.AdminKubeconfig,
		"apply", "--server-side", "--filename="+layout.InEtc+"/manifests")
	if err != nil {
		return fmt.Errorf("installing the cluster's DNS: %w", err)
	}
	return nil
}
