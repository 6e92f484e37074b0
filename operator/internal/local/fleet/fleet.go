package fleet

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/types"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/local/process"
	"github.com/fleetgate/fleetgate/operator/internal/provision"
	"github.com/fleetgate/fleetgate/operator/internal/proxies"
)

// Options of a Fleet.
type Options struct {
	// Dir is where the Gateways' directories are made.
	Dir string
	// Proxy is the path of the proxy's binary.
	Proxy string
	// Sensor is the path of the sensor's binary; empty runs none.
	Sensor string
	// Cgroups makes the proxies' cgroups. Without it the sensors read what the
	// proxies share with them, and nothing from the kernel.
	Cgroups *Cgroups
	// Changed is called when a State may have changed. It must not block.
	Changed func()
	// Now gives the time of certificates and revisions; nil means time.Now.
	Now func() time.Time
}

// Gateway is what one Gateway's proxy is to serve.
type Gateway struct {
	Key   types.NamespacedName
	UID   string
	Class string
	// Address is the one that the Gateway asks for; it is not valid when it
	// asks for none.
	Address netip.Addr
	Config  *proxyconfig.Config
	// Certificates are the files beside the configuration.
	Certificates map[string][]byte
}

// State is how one Gateway's proxy is doing.
type State struct {
	// Address is where the Gateway's listeners are.
	Address netip.Addr
	// Hash is of the configuration that the proxy is to serve; it is empty as
	// long as none could be written.
	Hash string
	// Problem says why there is no proxy, or why it did not get its newest
	// configuration.
	Problem string
	Proxy   process.State
	// Sensor is nil when none is run.
	Sensor *process.State
	// Proxies are the Gateway's proxies with what they say of themselves. In
	// local mode that is one, or none.
	Proxies proxies.Fleet
	// Metrics are the URLs of the metrics, Log the file with the proxy's log.
	Metrics []string
	Log     string
}

// Fleet runs the proxies of all Gateways. Its methods are for one goroutine.
type Fleet struct {
	opts      Options
	launcher  *process.Launcher
	tracker   *proxies.Tracker
	addresses *addresses
	instances map[types.NamespacedName]*instance
	problems  map[types.NamespacedName]string
	stopping  sync.WaitGroup

	mu sync.Mutex
	// gone are the Gateways whose instances have stopped.
	gone []types.NamespacedName
}

// New returns a Fleet that runs nothing yet. The caller closes it.
func New(opts Options) *Fleet {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Fleet{
		opts:     opts,
		launcher: process.NewLauncher(),
		tracker: proxies.New(proxies.Options{
			Changed: func(types.NamespacedName) { opts.Changed() },
			Port:    int(provision.AdminPort),
			Retry:   reportRetry,
			Log:     logr.Discard(),
		}),
		addresses: newAddresses(freeBlock()),
		instances: map[types.NamespacedName]*instance{},
		problems:  map[types.NamespacedName]string{},
	}
}

// reportRetry is shorter than in a cluster: a child is there in a blink.
const reportRetry = 50 * time.Millisecond

// freeBlock returns the first block whose first address is not in use by
// another local mode on this machine.
func freeBlock() byte {
	for block := byte(firstBlock); block < 200; block++ {
		at := net.JoinHostPort(fmt.Sprintf("127.%d.0.1", block), strconv.Itoa(int(provision.AdminPort)))
		l, err := net.Listen("tcp", at)
		if err == nil {
			l.Close()
			return block
		}
	}
	return firstBlock
}
