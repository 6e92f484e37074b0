package layout

import (
	"fmt"
	"os"
	"path/filepath"
)

// Folders and files as the cluster's own processes see them.
const (
	InBin    = "/run/fleetgate/bin"    // the components
	InEtc    = "/run/fleetgate/etc"    // configuration, keys, kubeconfigs
	InLogs   = "/run/fleetgate/logs"   // one file for each component
	InImages = "/run/fleetgate/images" // archives to import at the start
	InLib    = "/var/lib"              // what components keep: etcd, containerd, kubelet

	// InKubectlCache is where kubectl keeps what it knows of the API. It goes
	// with the cluster: the next one has the same address and other types.
	InKubectlCache = "/run/fleetgate/kubectl-cache"

	ContainerdSocket = "/run/containerd/containerd.sock"
	AdminKubeconfig  = InEtc + "/pki/admin.conf"
)

// Layout says where the cluster's folders lie on the machine.
type Layout struct {
	// Root holds everything else. Nothing outside of it is written.
	Root string
}

// Default is the layout below the user's cache folder.
func Default() (Layout, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return Layout{}, fmt.Errorf("finding the cache folder: %w", err)
	}
	return Layout{Root: filepath.Join(cache, "fleetgate", "cluster")}, nil
}

// Cached is the folder of a thing that is built once for each key.
func (l Layout) Cached(name, key string) string {
	return filepath.Join(l.Root, name+"-"+key)
}

// State is the folder of all that belongs to one run of the cluster.
func (l Layout) State() string { return filepath.Join(l.Root, "state") }

// Bin holds links to the components' binaries.
func (l Layout) Bin() string { return filepath.Join(l.State(), "bin") }

// Etc holds configuration, keys and kubeconfigs.
func (l Layout) Etc() string { return filepath.Join(l.State(), "etc") }

// PKI is the folder of keys and kubeconfigs within Etc.
func (l Layout) PKI() string { return filepath.Join(l.Etc(), "pki") }

// Kubeconfig is the file with the cluster administrator's credentials. The
// address in it is reachable from inside the cluster's network only.
func (l Layout) Kubeconfig() string { return filepath.Join(l.PKI(), "admin.conf") }

// Lib is what the cluster's processes see as /var/lib.
func (l Layout) Lib() string { return filepath.Join(l.State(), "lib") }

// VarLog is what the cluster's processes see as /var/log.
func (l Layout) VarLog() string { return filepath.Join(l.State(), "varlog") }

// Logs holds the components' own logs.
func (l Layout) Logs() string { return filepath.Join(l.State(), "logs") }

// Images holds the archives that are imported when the cluster starts.
func (l Layout) Images() string { return filepath.Join(l.State(), "images") }

// InitRecord is the file that names the cluster's init process.
func (l Layout) InitRecord() string { return filepath.Join(l.State(), "init.json") }

// Timeline is the file into which the cluster writes how far its start is.
func (l Layout) Timeline() string { return filepath.Join(l.Logs(), "timeline") }

// Lock is the file that keeps two commands from changing the cluster at once.
func (l Layout) Lock() string { return filepath.Join(l.Root, "lock") }

// PrometheusLock is the file that keeps two commands from building Prometheus at once.
// It takes minutes, in which the cluster itself may be changed.
func (l Layout) PrometheusLock() string { return filepath.Join(l.Root, "prometheus-lock") }
