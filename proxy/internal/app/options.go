package app

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"runtime"
	"time"

	"github.com/go-logr/logr"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/accesslog"
	"github.com/fleetgate/fleetgate/proxy/internal/configsource"
	"github.com/fleetgate/fleetgate/proxy/internal/custody"
	"github.com/fleetgate/fleetgate/proxy/internal/overload"
)

// Options of a proxy.
type Options struct {
	// Gateway is the one that the proxy serves. Namespace and UID are needed.
	Gateway proxyconfig.Gateway
	// ConfigDir is the mounted configuration, StateDir keeps the last good one;
	// each may be empty.
	ConfigDir, StateDir string
	// Watch names the objects of the watched lane; it is off without a ConfigMap.
	Watch Watch
	// Bind is the address of the listeners; the zero Addr means all.
	Bind netip.Addr
	// HealthAddress and AdminAddress are host:port. The admin port is off when
	// AdminDir does not exist.
	HealthAddress, AdminAddress, AdminDir string
	ProbeSocket                           string
	// DrainTimeout bounds the time from the end of Run's context to Run's return, but
	// for the two seconds that a collector may take for the last spans.
	// DrainGrace is how long idle connections are left open within it; zero is
	// the engine's default.
	DrainTimeout, DrainGrace time.Duration
	// Loops is the number of the engine's loops; zero takes as many as there are
	// CPUs in the quota.
	Loops int
	// Limits bound connections; zero fields have the defaults. They, AccessLog,
	// TrustedHops and the level that LogLevel begins with hold as far as the
	// configuration does not set them.
	Limits    overload.Limits
	AccessLog accesslog.Format
	// AccessLogOut may be nil: nothing is logged.
	AccessLogOut          io.Writer
	AllowLoopbackBackends bool
	// TrustedHops is how many proxies stand before this one whose X-Forwarded
	// fields are believed.
	TrustedHops int
	// MaxSeries is the most series that a scrape may have; zero means the default.
	MaxSeries int
	// Lookup resolves the names of external backends; nil asks the servers of the
	// system.
	Lookup func(ctx context.Context, hostname string) ([]netip.Addr, error)
	// Zone is where the proxy runs, for backends that prefer their own.
	Zone    string
	Version string
	Log     logr.Logger
	// LogLevel is the level of Log; nil for a Log that has one for good.
	LogLevel *slog.LevelVar
	// Sockets, where they are not nil, outlive the process, of which there were Restarts
	// before this one.
	Sockets  custody.Sockets
	Restarts int
	// Started, when not nil, is told the addresses of the proxy's own ports.
	Started func(Addresses)
}

// Watch is what the watched lane follows.
type Watch struct {
	ConfigMap string
	Secrets   []string
	// Client reads from the API server; nil makes one of the pod's credentials.
	Client *configsource.KubeClient
}

// Addresses are those of the proxy's own ports; Admin is empty when it is off.
type Addresses struct{ Health, Admin string }

// mountPoll is how often the mounted configuration is read without being asked:
// notifications can be lost.
const mountPoll = 10 * time.Second

func (o *Options) complete() error {
	if o.Gateway.UID == "" || o.Gateway.Namespace == "" {
		return errors.New("the Gateway's namespace and UID are needed")
	}
	if o.ConfigDir == "" && o.Watch.ConfigMap == "" {
		return errors.New("there is neither a directory nor a ConfigMap to read the configuration from")
	}
	if o.Loops <= 0 {
		// The runtime follows the CPU quota of the container.
		o.Loops = runtime.GOMAXPROCS(0)
	}
	if o.DrainTimeout <= 0 {
		o.DrainTimeout = 25 * time.Second
	}
	if o.LogLevel == nil {
		o.LogLevel = new(slog.LevelVar)
	}
	return nil
}
