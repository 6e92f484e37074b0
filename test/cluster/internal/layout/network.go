package layout

// Names and addresses of the cluster. Everything lives in one network
// namespace that has no route to anywhere else.
const (
	// Name is the network namespace's name, as `ip netns` shows it, and that
	// of the cgroup below which all of the cluster's processes are.
	Name = "fleetgate"

	NodeName = "node1"
	NodeIP   = "10.77.0.1"
	NodeNet  = "10.77.0.1/24"

	// PodNet is given to one bridge. A bridge has at most 1,023 ports, so a
	// larger prefix than needed is only headroom for addresses in quarantine.
	PodNet     = "10.244.0.0/16"
	ServiceNet = "10.96.0.0/16"
	ServiceIP  = "10.96.0.1"
	DNSIP      = "10.96.0.10"

	// LoadBalancerNet has room for a few thousand Gateways.
	LoadBalancerNet = "10.78.0.0/20"

	// APIServer is the API server's URL inside the cluster's network.
	APIServer = "https://" + NodeIP + ":6443"

	ClusterDomain = "cluster.local"

	// OutsideDomain has all that ClusterDomain has, by names that are not the
	// cluster's own.
	OutsideDomain = "outside.test"
)
