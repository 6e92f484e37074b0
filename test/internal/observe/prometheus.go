package observe

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/api"
	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	corev1 "k8s.io/api/core/v1"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fleetgate/fleetgate/test/cluster/client"
	"github.com/fleetgate/fleetgate/test/internal/stack"
)

// Namespace is where the Prometheus operator and Prometheus run.
const Namespace = "monitoring"

// Label is what Prometheus selects ServiceMonitors and rules by.
const Label, LabelValue = "release", "stack"

// startsWithin bounds how long one of the two may take to be ready.
const startsWithin = 3 * time.Minute

//go:embed manifests
var manifests embed.FS

// Prometheus is one that runs in the test cluster. It is safe for concurrent use.
type Prometheus struct{ api promv1.API }

// Up is Start, and applies what config/monitoring has for the two.
func Up(ctx context.Context, s *stack.Stack, out io.Writer) (*Prometheus, error) {
	p, err := Start(ctx, s, out)
	if err != nil {
		return nil, err
	}
	folder := filepath.Join(s.Root, "test", "install", "monitoring")
	_, err = s.Kubectl(ctx, "apply", "--server-side", "--force-conflicts", "-k", folder)
	return p, err
}

// Start installs the kinds of the Prometheus operator, it, and a Prometheus, and waits
// until that answers. What is there already is kept.
func Start(ctx context.Context, s *stack.Stack, out io.Writer) (*Prometheus, error) {
	if err := s.InstallPrometheus(ctx, out); err != nil {
		return nil, err
	}
	for _, part := range []struct {
		pattern string
		ready   func(context.Context) error
	}{
		{"manifests/operator.yaml", func(ctx context.Context) error {
			return s.WaitDeployment(ctx, Namespace, "prometheus-operator")
		}},
		{"manifests/prometheus.yaml", func(ctx context.Context) error { _, err := address(ctx, s.Cluster); return err }},
	} {
		if err := s.ApplyFS(ctx, manifests, part.pattern); err != nil {
			return nil, err
		}
		if err := poll(ctx, startsWithin, part.ready); err != nil {
			return nil, fmt.Errorf("waiting for %s: %w", part.pattern, err)
		}
	}
	return connect(ctx, s)
}

// Down removes all that Up and Start have installed but the images.
func Down(ctx context.Context, s *stack.Stack) error {
	folder := filepath.Join(s.Root, "test", "install", "monitoring")
	_, err := s.Kubectl(ctx, "delete", "--ignore-not-found", "-k", folder)
	for _, name := range []string{"prometheus", "operator"} {
		manifest, readErr := manifests.ReadFile("manifests/" + name + ".yaml")
		if readErr != nil {
			return readErr
		}
		err = errors.Join(err, s.Delete(ctx, manifest))
	}
	return errors.Join(err, RemoveKinds(ctx, s))
}

// RemoveKinds removes the kinds of the Prometheus operator, with all their objects.
func RemoveKinds(ctx context.Context, s *stack.Stack) error {
	args := []string{"delete", "--ignore-not-found", "crd"}
	for _, kind := range []string{"prometheuses", "servicemonitors", "podmonitors", "probes", "prometheusrules"} {
		args = append(args, kind+".monitoring.coreos.com")
	}
	_, err := s.Kubectl(ctx, args...)
	return err
}

func connect(ctx context.Context, s *stack.Stack) (*Prometheus, error) {
	host, err := address(ctx, s.Cluster)
	if err != nil {
		return nil, err
	}
	c, err := api.NewClient(api.Config{Address: "http://" + host + ":9090", RoundTripper: s.Transport()})
	if err != nil {
		return nil, fmt.Errorf("connecting to Prometheus: %w", err)
	}
	p := &Prometheus{promv1.NewAPI(c)}
	return p, poll(ctx, startsWithin, func(ctx context.Context) error {
		_, err := p.api.Buildinfo(ctx)
		return err
	})
}

// address is that of the pod, once it is ready.
func address(ctx context.Context, c *client.Cluster) (string, error) {
	var pods corev1.PodList
	err := c.Client.List(ctx, &pods, ctrlclient.InNamespace(Namespace), ctrlclient.MatchingLabels{"app.kubernetes.io/name": "prometheus"})
	if err != nil {
		return "", err
	}
	for i := range pods.Items {
		for _, condition := range pods.Items[i].Status.Conditions {
			if condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue {
				return pods.Items[i].Status.PodIP, nil
			}
		}
	}
	return "", errors.New("Prometheus has no pod that is ready")
}

func poll(ctx context.Context, within time.Duration, done func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	return client.Poll(ctx, done)
}

// Version is what Prometheus says it is.
func (p *Prometheus) Version(ctx context.Context) (string, error) {
	info, err := p.api.Buildinfo(ctx)
	return info.Version, err
}

// Query returns the series that a query gives now. One with a value that is no number
// is not among them: a division by nothing is no data.
func (p *Prometheus) Query(ctx context.Context, query string) (model.Vector, error) {
	value, _, err := p.api.Query(ctx, query, time.Now())
	if err != nil {
		return nil, fmt.Errorf("asking for %s: %w", query, err)
	}
	vector, ok := value.(model.Vector)
	if !ok {
		return nil, fmt.Errorf("asking for %s: the answer is a %s", query, value.Type())
	}
	var numbers model.Vector
	for _, sample := range vector {
		if sample.Value == sample.Value {
			numbers = append(numbers, sample)
		}
	}
	return numbers, nil
}

// Sum is the sum of what a query gives now.
func (p *Prometheus) Sum(ctx context.Context, query string) (float64, error) {
	vector, err := p.Query(ctx, query)
	sum := 0.0
	for _, sample := range vector {
		sum += float64(sample.Value)
	}
	return sum, err
}

// Targets are those that Prometheus scrapes.
func (p *Prometheus) Targets(ctx context.Context) ([]promv1.ActiveTarget, error) {
	targets, err := p.api.Targets(ctx)
	if err != nil {
		return nil, fmt.Errorf("asking for targets: %w", err)
	}
	return targets.Active, nil
}

// Rules are the groups of rules that Prometheus evaluates.
func (p *Prometheus) Rules(ctx context.Context) ([]promv1.RuleGroup, error) {
	rules, err := p.api.Rules(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("asking for rules: %w", err)
	}
	return rules.Groups, nil
}
