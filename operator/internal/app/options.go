package app

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/rest"

	"github.com/fleetgate/fleetgate/operator/internal/provision"
)

// ControllerName is the one that GatewayClasses name, unless it is told otherwise.
const ControllerName = "fleetgate.io/gateway-controller"

// Options of a run. See Parse for their flags and defaults.
type Options struct {
	// Kubernetes says how to reach the API server; nil stands for the cluster
	// that the process runs in, or the current kubeconfig.
	Kubernetes *rest.Config
	Log        logr.Logger
	LogLevel   string

	MetricsAddress string
	MetricsSecure  bool
	// MetricsCertDir holds tls.crt and tls.key; without it a certificate is
	// made at each start.
	MetricsCertDir string
	HealthAddress  string
	LeaderElect    bool
	// Namespace is the operator's own.
	Namespace string
	// ControllerName is the one that GatewayClasses name. Of two installs each needs its own.
	ControllerName string
	// WatchNamespaces limits what is watched; empty means all.
	WatchNamespaces []string
	// APIServer is the API server's address as pods see it, if known: no route
	// may lead there.
	APIServer netip.AddrPort
	// ClusterDomain is the domain of the cluster's DNS; empty for what the search
	// list of /etc/resolv.conf says.
	ClusterDomain string
	// PodIPs are those of the operator's own pod, if known, and NodeIP that of its
	// node: no route may lead to what listens there of Kubernetes or the operator.
	PodIPs []netip.Addr
	NodeIP netip.Addr
	Fleet  provision.Settings
}

// Parse reads the arguments of "fleetgate controller". getenv is os.Getenv. It
// returns flag.ErrHelp when help was asked for and written.
func Parse(args []string, getenv func(string) string, output io.Writer) (Options, error) {
	opts := Options{
		Namespace: or(getenv("POD_NAMESPACE"), "fleetgate-system"),
		APIServer: apiServer(getenv), PodIPs: addresses(getenv("POD_IPS")),
	}
	if node := addresses(getenv("NODE_IP")); len(node) > 0 {
		opts.NodeIP = node[0]
	}
	flags := flag.NewFlagSet("fleetgate controller", flag.ContinueOnError)
	flags.SetOutput(output)
	flags.StringVar(&opts.LogLevel, "log-level", "info", "info or debug")
	flags.StringVar(&opts.MetricsAddress, "metrics-bind-address", ":8443", "address of the metrics endpoint; 0 turns it off")
	flags.BoolVar(&opts.MetricsSecure, "metrics-secure", true, "serve metrics over TLS, to those that may get /metrics only")
	flags.StringVar(&opts.MetricsCertDir, "metrics-cert-path", "", "`folder` with tls.crt and tls.key for the metrics endpoint (default self-signed)")
	flags.StringVar(&opts.HealthAddress, "health-probe-bind-address", ":8081", "address of /healthz and /readyz")
	flags.BoolVar(&opts.LeaderElect, "leader-elect", false, "work only while holding the lease, so that several replicas can run")
	flags.StringVar(&opts.ClusterDomain, "cluster-domain", "", "`domain` of the cluster's DNS, in which no XBackend may have a name (default by /etc/resolv.conf)")
	flags.StringVar(&opts.ControllerName, "controller-name", ControllerName, "`name` by which GatewayClasses name this operator")
	namespaces := flags.String("watch-namespaces", "", "comma-separated `namespaces` to serve (default all)")
	opts.fleetFlags(flags, getenv)
	if err := flags.Parse(args); err != nil {
		return opts, err
	}
	if flags.NArg() > 0 {
		return opts, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	opts.ClusterDomain = canonical(opts.ClusterDomain)
	opts.WatchNamespaces = split(*namespaces)
	opts.Fleet.OperatorNamespace = opts.Namespace
	return opts, opts.validate()
}

// fleetFlags are the settings of all fleets.
func (o *Options) fleetFlags(flags *flag.FlagSet, getenv func(string) string) {
	fleet := &o.Fleet
	flags.StringVar(&fleet.ProxyImage, "proxy-image", getenv("RELATED_IMAGE_PROXY"), "image of the proxies (default $RELATED_IMAGE_PROXY)")
	flags.StringVar(&fleet.SensorImage, "sensor-image", getenv("RELATED_IMAGE_SENSOR"), "image of the sensors (default $RELATED_IMAGE_SENSOR)")
	fleet.Replicas = 2
	flags.Func("replicas", "`number` of proxies of each Gateway (default 2)", func(text string) error {
		n, err := strconv.ParseInt(text, 10, 32)
		fleet.Replicas = int32(n)
		return err
	})
	flags.StringVar((*string)(&fleet.Sensor), "sensor", string(provision.SensorAuto),
		"auto (by what the namespace's Pod Security level allows), full, unprivileged or off")
	flags.StringVar(&fleet.HostCgroup, "host-cgroup", "",
		"`path` of the unified cgroup hierarchy on nodes whose containers do not see it; mounted read-only into sensors")
	flags.Func("node-agent-port", "`port` of the nodes at which their agents, of config/node-agent, count connections for sensors without capabilities (default none)", func(text string) error {
		port, err := strconv.ParseUint(text, 10, 16)
		fleet.NodeAgentPort = int32(port)
		return err
	})
	flags.StringVar((*string)(&fleet.ServiceType), "service-type", string(corev1.ServiceTypeLoadBalancer),
		"type of the Gateways' Services: LoadBalancer, NodePort or ClusterIP")
	flags.StringVar(&fleet.AccessLog, "access-log", "off", "access log of the proxies whose parameters do not say: off, json or text")
	flags.Func("service-monitor-labels", "comma-separated `key=value` labels of ServiceMonitors, which a Prometheus selects by", func(text string) error {
		labels, err := parseLabels(text)
		fleet.ServiceMonitorLabels = labels
		return err
	})
}

func (o *Options) validate() error {
	fleet := &o.Fleet
	sensors := []provision.SensorMode{provision.SensorAuto, provision.SensorFull, provision.SensorUnprivileged, provision.SensorOff}
	services := []corev1.ServiceType{corev1.ServiceTypeLoadBalancer, corev1.ServiceTypeNodePort, corev1.ServiceTypeClusterIP}
	switch {
	case fleet.Replicas < 1:
		return errors.New("--replicas must be at least 1")
	case !slices.Contains(sensors, fleet.Sensor):
		return fmt.Errorf("--sensor %q is none of auto, full, unprivileged and off", fleet.Sensor)
	case !slices.Contains(services, fleet.ServiceType):
		return fmt.Errorf("--service-type %q is none of LoadBalancer, NodePort and ClusterIP", fleet.ServiceType)
	case !slices.Contains([]string{"off", "json", "text"}, fleet.AccessLog):
		return fmt.Errorf("--access-log %q is none of off, json and text", fleet.AccessLog)
	case fleet.ProxyImage == "":
		return errors.New("--proxy-image or $RELATED_IMAGE_PROXY is required")
	case fleet.SensorImage == "" && fleet.Sensor != provision.SensorOff:
		return errors.New("--sensor-image or $RELATED_IMAGE_SENSOR is required")
	case fleet.HostCgroup != "" && !strings.HasPrefix(fleet.HostCgroup, "/"):
		return fmt.Errorf("--host-cgroup %q is not an absolute path", fleet.HostCgroup)
	case o.ClusterDomain != "" && len(validation.IsDNS1123Subdomain(o.ClusterDomain)) > 0:
		return fmt.Errorf("--cluster-domain %q is not a domain", o.ClusterDomain)
	case !controllerName.MatchString(o.ControllerName):
		return fmt.Errorf("--controller-name %q is no domain with a path, such as %s", o.ControllerName, ControllerName)
	case o.LogLevel != "info" && o.LogLevel != "debug":
		return fmt.Errorf("--log-level %q is neither info nor debug", o.LogLevel)
	}
	return nil
}

// controllerName is what the CRD of GatewayClasses asks for.
var controllerName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$`)

func parseLabels(text string) (map[string]string, error) {
	labels := make(map[string]string)
	for _, pair := range split(text) {
		key, value, ok := strings.Cut(pair, "=")
		if !ok || key == "" {
			return nil, fmt.Errorf("%q is not key=value", pair)
		}
		labels[key] = value
	}
	return labels, nil
}

func split(list string) []string {
	var out []string
	for item := range strings.SplitSeq(list, ",") {
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, item)
		}
	}
	return out
}

// apiServer reads what every pod is told. An address that does not parse is
// none: a run outside a cluster has none either.
func apiServer(getenv func(string) string) netip.AddrPort {
	host, err := netip.ParseAddr(getenv("KUBERNETES_SERVICE_HOST"))
	if err != nil {
		return netip.AddrPort{}
	}
	port, err := strconv.ParseUint(or(getenv("KUBERNETES_SERVICE_PORT"), "443"), 10, 16)
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(host, uint16(port))
}

// addresses leaves out what does not parse.
func addresses(list string) []netip.Addr {
	var out []netip.Addr
	for _, text := range split(list) {
		if address, err := netip.ParseAddr(text); err == nil {
			out = append(out, address.Unmap())
		}
	}
	return out
}

func or(text, fallback string) string {
	if text == "" {
		return fallback
	}
	return text
}
