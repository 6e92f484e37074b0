package fleet

import (
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"k8s.io/apimachinery/pkg/types"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/delivery"
	"github.com/fleetgate/fleetgate/operator/internal/local/process"
	"github.com/fleetgate/fleetgate/operator/internal/provision"
	"github.com/fleetgate/fleetgate/operator/internal/proxies"
)

// The proxy ends by itself within its drain timeout; past its stop timeout it
// is killed.
const (
	proxyStopTimeout  = 30 * time.Second
	sensorStopTimeout = 15 * time.Second
)

// serverName is what the admin ports' certificates are for.
const serverName = "fleetgate-proxy"

// maxSocketPath is the longest path of a Unix socket that Linux takes.
const maxSocketPath = 107

// instance is the proxy of one Gateway, with its sensor.
type instance struct {
	gateway Gateway
	address netip.Addr
	dir     string
	cgroup  string
	proxy   *process.Child
	sensor  *process.Child
	// access is what it takes to ask the proxy for its report.
	access   proxies.Access
	revision int64
	// hash is of the configuration that was written last.
	hash string
	// problem says why the newest configuration could not be written.
	problem string
	// stopping is set once Stop was begun.
	stopping bool
}

// newInstance makes the Gateway's directory with its first configuration and
// starts the processes.
func (f *Fleet) newInstance(g Gateway, address netip.Addr) (*instance, error) {
	in := &instance{gateway: g, address: address, dir: filepath.Join(f.opts.Dir, fileName(g))}
	if len(in.socket()) > maxSocketPath {
		return nil, fmt.Errorf("the path %s is too long for a socket; choose a shorter run directory", in.socket())
	}
	for _, name := range []string{"admin", "state", "run"} {
		if err := os.MkdirAll(filepath.Join(in.dir, name), 0o700); err != nil {
			return nil, err
		}
	}
	data, admin, err := delivery.NewAdmin(serverName, f.opts.Now())
	if err != nil {
		return nil, err
	}
	in.access = proxies.Access{
		GatewayUID: g.UID, ServerName: admin.ServerName, Authorities: admin.Authorities,
		Token: func() string { return string(admin.Token) },
	}
	if err := writeVolume(filepath.Join(in.dir, "admin"), data); err != nil {
		return nil, err
	}
	in.update(g, f.opts.Now())
	if f.opts.Cgroups != nil {
		if in.cgroup, err = f.opts.Cgroups.Make("pod" + g.UID); err != nil {
			return nil, err
		}
	}
	in.start(f)
	return in, nil
}

// fileName is unique, as neither part can contain an underscore.
func fileName(g Gateway) string { return g.Key.Namespace + "_" + g.Key.Name }

func (in *instance) socket() string { return filepath.Join(in.dir, "run", "probe.sock") }

// update writes a configuration that differs from the last one. What cannot
// be written leaves the proxy with what it has.
func (in *instance) update(g Gateway, now time.Time) {
	in.gateway = g
	revision := max(in.revision+1, now.UnixMilli())
	files, hash, dropped, err := delivery.Files(proxyconfig.Gateway{
		Namespace: g.Key.Namespace, Name: g.Key.Name, UID: g.UID,
	}, revision, g.Config)
	problem := ""
	if len(dropped) > 0 {
		problem = fmt.Sprintf("%d items are not served: %s", len(dropped), dropped[0].Reason)
	}
	if err == nil && hash == in.hash {
		in.problem = problem
		return
	}
	if err == nil {
		maps.Copy(files, g.Certificates)
		err = writeVolume(filepath.Join(in.dir, "config"), files)
	}
	if err != nil {
		in.problem = err.Error()
		return
	}
	in.hash, in.revision, in.problem = hash, revision, problem
}

func (in *instance) start(f *Fleet) {
	in.proxy = f.launcher.Keep(process.Spec{
		Path: f.opts.Proxy, Args: in.proxyArgs(f.opts.Sensor != ""),
		Log: filepath.Join(in.dir, "proxy.log"), Cgroup: in.cgroup,
		StopTimeout: proxyStopTimeout, Changed: f.opts.Changed,
	})
	if f.opts.Sensor == "" {
		return
	}
	in.sensor = f.launcher.Keep(process.Spec{
		Path: f.opts.Sensor, Args: in.sensorArgs(f.opts.Cgroups),
		Log:         filepath.Join(in.dir, "sensor.log"),
		StopTimeout: sensorStopTimeout, Changed: f.opts.Changed,
	})
}

func (in *instance) proxyArgs(sensor bool) []string {
	args := []string{
		"--gateway-namespace=" + in.gateway.Key.Namespace,
		"--gateway-name=" + in.gateway.Key.Name,
		"--gateway-uid=" + in.gateway.UID,
		"--config-dir=" + filepath.Join(in.dir, "config"),
		"--state-dir=" + filepath.Join(in.dir, "state"),
		"--admin-dir=" + filepath.Join(in.dir, "admin"),
		"--bind=" + in.address.String(),
		"--health-address=" + in.at(provision.HealthPort),
		"--admin-address=" + in.at(provision.AdminPort),
		"--allow-loopback-backends",
	}
	if sensor {
		args = append(args, "--probe-socket="+in.socket())
	}
	return args
}

func (in *instance) sensorArgs(cgroups *Cgroups) []string {
	args := []string{
		"--probe-socket=" + in.socket(),
		"--metrics-address=" + in.at(provision.SensorPort),
	}
	if cgroups == nil {
		return append(args, "--mode=shm")
	}
	// The sensor looks for a cgroup by the UID that is in the directory's name,
	// as a kubelet names it.
	return append(args, "--cgroup-root="+cgroups.Root, "--pod-uid="+in.gateway.UID)
}

func (in *instance) at(port int32) string {
	return netip.AddrPortFrom(in.address, uint16(port)).String()
}

// metrics are the URLs of the instance's metrics.
func (in *instance) metrics() []string {
	urls := []string{"http://" + in.at(provision.HealthPort) + "/metrics"}
	if in.sensor != nil {
		urls = append(urls, "http://"+in.at(provision.SensorPort)+"/metrics")
	}
	return urls
}

// stop drains the proxy and ends the sensor after it, which so sees the last
// request. It blocks until both are gone.
func (in *instance) stop() {
	in.proxy.Stop()
	if in.sensor != nil {
		in.sensor.Stop()
	}
	if in.cgroup != "" {
		// A cgroup that cannot be removed now is removed with the run's.
		_ = os.Remove(in.cgroup)
	}
}

// pod stands for the proxy's process among those that are asked for their
// reports. A process that was started anew is another pod.
func (in *instance) pod() proxies.Pod {
	state := in.proxy.State()
	return proxies.Pod{
		Name:    "proxy",
		UID:     types.UID(fmt.Sprintf("%s/%d", in.gateway.UID, state.Starts)),
		Address: in.address.String(),
		Ready:   state.PID != 0 && !in.stopping,
	}
}

// state is what is known of the instance.
func (in *instance) state() State {
	s := State{
		Address: in.address,
		Hash:    in.hash,
		Problem: in.problem,
		Proxy:   in.proxy.State(),
		Metrics: in.metrics(),
		Log:     filepath.Join(in.dir, "proxy.log"),
	}
	if in.sensor != nil {
		sensor := in.sensor.State()
		s.Sensor = &sensor
	}
	return s
}
