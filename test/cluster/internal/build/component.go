package build

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

// Component is a Go module that gives one or more of the cluster's binaries.
type Component struct {
	// Name is the module's folder below components.
	Name string
	// Title is what the component is, for people.
	Title string
	// Requires is the module whose version is the component's.
	Requires string
	// Tags are Go build tags.
	Tags []string
	// CGO is set where C code is compiled in; the result is static anyway.
	CGO bool
	// Variables are set by the linker. In a value, $V, $MAJOR and $MINOR
	// stand for the version of Requires.
	Variables []Variable
	// Binaries maps a binary's name to its package.
	Binaries map[string]string
}

// Variable is a Go string variable that the linker sets.
type Variable struct{ Name, Value string }

// Components are all parts of the cluster, the slowest build first.
func Components() []Component {
	const (
		containerd = "github.com/containerd/containerd/v2"
		plugins    = "github.com/containernetworking/plugins"
	)
	return []Component{
		{
			Name: "kube", Title: "etcd and Kubernetes", Requires: "k8s.io/kubernetes",
			Tags:      []string{"providerless"},
			Variables: kubernetesVersion(),
			Binaries:  map[string]string{"kube": "."},
		},
		{
			Name: "containerd", Title: "containerd", Requires: containerd,
			Tags:      []string{"no_btrfs", "no_zfs", "no_devmapper", "no_aufs", "no_tracing"},
			Variables: []Variable{{containerd + "/version.Version", "$V"}},
			Binaries: map[string]string{
				"containerd":              containerd + "/cmd/containerd",
				"containerd-shim-runc-v2": containerd + "/cmd/containerd-shim-runc-v2",
				"ctr":                     containerd + "/cmd/ctr",
			},
		},
		{
			Name: "coredns", Title: "CoreDNS", Requires: "github.com/coredns/coredns",
			Binaries: map[string]string{"coredns": "."},
		},
		{
			Name: "runc", Title: "runc", Requires: "github.com/opencontainers/runc",
			Tags: []string{"seccomp", "netgo", "osusergo"}, CGO: true,
			Binaries: map[string]string{"runc": "github.com/opencontainers/runc"},
		},
		{
			Name: "cni", Title: "CNI plugins", Requires: plugins,
			Binaries: map[string]string{
				"bridge":     plugins + "/plugins/main/bridge",
				"host-local": plugins + "/plugins/ipam/host-local",
				"loopback":   plugins + "/plugins/main/loopback",
				"portmap":    plugins + "/plugins/meta/portmap",
			},
		},
		{
			Name: "echo", Title: "Gateway API echo backend", Requires: "sigs.k8s.io/gateway-api-conformance-images",
			Binaries: map[string]string{"echo-basic": "sigs.k8s.io/gateway-api-conformance-images/echo-basic"},
		},
		{
			Name: "pause", Title: "pause",
			Binaries: map[string]string{"pause": "."},
		},
	}
}

// Prometheus are the parts of a cluster that is monitored, which are built when one
// is to be.
func Prometheus() []Component {
	const (
		operator = "github.com/prometheus-operator/prometheus-operator"
		server   = "github.com/prometheus/prometheus"
	)
	return []Component{
		{
			Name: "prometheus", Title: "Prometheus", Requires: server,
			Binaries: map[string]string{"prometheus": server + "/cmd/prometheus", "promtool": server + "/cmd/promtool"},
		},
		{
			Name: "prometheusoperator", Title: "Prometheus operator", Requires: operator,
			Binaries: map[string]string{
				"prometheus-operator":        operator + "/cmd/operator",
				"prometheus-config-reloader": operator + "/cmd/prometheus-config-reloader",
			},
		},
	}
}

// kubernetesVersion is what the components report as their own version. The
// API server derives from it which feature gates and APIs are on.
func kubernetesVersion() []Variable {
	var all []Variable
	for _, p := range []string{"k8s.io/component-base/version", "k8s.io/client-go/pkg/version"} {
		all = append(all,
			Variable{p + ".gitVersion", "$V"},
			Variable{p + ".gitMajor", "$MAJOR"},
			Variable{p + ".gitMinor", "$MINOR"},
			Variable{p + ".gitTreeState", "clean"},
			Variable{p + ".gitCommit", "unknown"},
			// A fixed date: the same sources give the same binary.
			Variable{p + ".buildDate", "2026-01-01T00:00:00Z"},
		)
	}
	return all
}

// version reads the version of the component's main requirement out of its
// go.mod. It is empty for a component that is all our own.
func (c Component) version(sources string) (string, error) {
	if c.Requires == "" {
		return "", nil
	}
	path := filepath.Join(sources, c.Name, "go.mod")
	content, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("reading the versions of %s: %w", c.Name, err)
	}
	file, err := modfile.ParseLax(path, content, nil)
	if err != nil {
		return "", fmt.Errorf("parsing the versions of %s: %w", c.Name, err)
	}
	for _, r := range file.Require {
		if r.Mod.Path == c.Requires {
			return r.Mod.Version, nil
		}
	}
	return "", fmt.Errorf("%s does not require %s", path, c.Requires)
}

// arguments returns the arguments of `go` that build one binary into output.
func (c Component) arguments(version, pkg, output string) []string {
	args := []string{"build", "-o", output, "-ldflags", c.linkerFlags(version)}
	if len(c.Tags) > 0 {
		args = append(args, "-tags", strings.Join(c.Tags, " "))
	}
	return append(args, pkg)
}

func (c Component) linkerFlags(version string) string {
	major, minor := "", ""
	if parts := strings.Split(strings.TrimPrefix(version, "v"), "."); len(parts) > 1 {
		major, minor = parts[0], parts[1]
	}
	replace := strings.NewReplacer("$V", version, "$MAJOR", major, "$MINOR", minor)
	flags := []string{"-s", "-w"}
	if c.CGO {
		flags = append(flags, "-extldflags", "-static")
	}
	for _, v := range c.Variables {
		flags = append(flags, "-X", v.Name+"="+replace.Replace(v.Value))
	}
	return strings.Join(flags, " ")
}

// environment returns the variables that decide about the build, in order.
func (c Component) environment() []string {
	cgo := "0"
	if c.CGO {
		cgo = "1"
	}
	env := []string{"CGO_ENABLED=" + cgo, "GOFLAGS=-trimpath -buildvcs=false", "GOWORK=off"}
	// Build with the Go that built this program, whatever the machine's
	// default is: the modules need a recent one.
	if v := runtime.Version(); strings.HasPrefix(v, "go1.") {
		env = append(env, "GOTOOLCHAIN="+strings.Fields(v)[0])
	}
	return env
}

// binaryNames returns the names in a fixed order.
func (c Component) binaryNames() []string {
	var names []string
	for n := range c.Binaries {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}
