package host

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/fleetgate/fleetgate/test/cluster/internal/build"
	"github.com/fleetgate/fleetgate/test/images"
)

// The kinds of which the Prometheus operator wants to know when it starts. Its other
// definitions are megabytes of schemas that nobody here uses.
var prometheusKinds = []string{"prometheuses", "servicemonitors", "podmonitors", "probes", "prometheusrules"}

// prometheusPrograms are the images that a monitored cluster has. The operator calls what
// is in them by its path in the published ones.
func prometheusPrograms() []program {
	user := fmt.Sprint(images.Nonroot)
	return []program{
		{"prometheus-operator", "/bin/", []string{"localhost/prometheus-operator:1"}, user},
		{"prometheus-config-reloader", "/bin/", []string{"localhost/prometheus-config-reloader:1"}, user},
		{"prometheus", "/bin/", []string{"localhost/prometheus:1"}, user},
	}
}

// InstallPrometheus gives the running cluster the kinds of the Prometheus operator,
// and the images of it, of its reloader and of Prometheus. They run only once somebody
// makes their pods.
func (h *Host) InstallPrometheus(ctx context.Context) error {
	if err := h.Running(); err != nil {
		return err
	}
	archive, err := h.prometheusImages(ctx)
	if err != nil {
		return err
	}
	if err := h.Load(ctx, archive); err != nil {
		return err
	}
	sources, err := build.FindSources()
	if err != nil {
		return err
	}
	folder, err := moduleFolder(ctx, filepath.Join(sources, "prometheusoperator"), "github.com/prometheus-operator/prometheus-operator")
	if err != nil {
		return err
	}
	var manifests []string
	for _, kind := range prometheusKinds {
		manifests = append(manifests, filepath.Join(folder, "example", "prometheus-operator-crd", "monitoring.coreos.com_"+kind+".yaml"))
	}
	return h.applyDefinitions(ctx, manifests)
}

func (h *Host) prometheusImages(ctx context.Context) (string, error) {
	unlock, err := lockFile(h.Layout, h.Layout.PrometheusLock())
	if err != nil {
		return "", err
	}
	defer unlock()
	built, err := h.compile(ctx, build.NewProgress(h.Out), build.Prometheus())
	if err != nil {
		return "", err
	}
	specs, err := specsOf(built, prometheusPrograms())
	if err != nil {
		return "", err
	}
	return h.archive(specs)
}

// Promtool returns the file of Prometheus' tool. It needs no cluster. What goes on is
// told on standard error.
func (h *Host) Promtool(ctx context.Context) (string, error) {
	unlock, err := lockFile(h.Layout, h.Layout.PrometheusLock())
	if err != nil {
		return "", err
	}
	defer unlock()
	built, err := h.compile(ctx, build.NewProgress(os.Stderr), build.Prometheus()[:1])
	return built["promtool"], err
}
