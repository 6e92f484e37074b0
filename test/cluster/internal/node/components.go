package node

import (
	"github.com/fleetgate/fleetgate/test/cluster/internal/layout"
)

const (
	etcdClient = "http://127.0.0.1:2379"
	etcdPeer   = "http://127.0.0.1:2380"

	keys = layout.InEtc + "/pki"
)

// The flags of each component. What is a flag and not in a configuration file
// has no file to be in.

func etcd() component {
	return component{"etcd", []string{
		"etcd",
		"--name=" + layout.NodeName,
		"--data-dir=/var/lib/etcd",
		"--listen-client-urls=" + etcdClient,
		"--advertise-client-urls=" + etcdClient,
		"--listen-peer-urls=" + etcdPeer,
		"--initial-advertise-peer-urls=" + etcdPeer,
		"--initial-cluster=" + layout.NodeName + "=" + etcdPeer,
		"--quota-backend-bytes=4294967296",
		// What a crash of the machine would lose is only a test's state.
		"--unsafe-no-fsync",
		"--log-level=warn",
	}}
}

func containerd() component {
	return component{"containerd", []string{"containerd", "--config=" + layout.InEtc + "/containerd.toml"}}
}

func apiServer() component {
	return component{"kube-apiserver", []string{
		"kube-apiserver",
		"--advertise-address=" + layout.NodeIP,
		"--bind-address=0.0.0.0",
		"--secure-port=6443",
		"--etcd-servers=" + etcdClient,
		"--service-cluster-ip-range=" + layout.ServiceNet,
		"--service-account-issuer=https://kubernetes.default.svc." + layout.ClusterDomain,
		"--service-account-key-file=" + keys + "/sa.pub",
		"--service-account-signing-key-file=" + keys + "/sa.key",
		"--tls-cert-file=" + keys + "/apiserver.crt",
		"--tls-private-key-file=" + keys + "/apiserver.key",
		"--client-ca-file=" + keys + "/ca.crt",
		"--kubelet-client-certificate=" + keys + "/apiserver-kubelet.crt",
		"--kubelet-client-key=" + keys + "/apiserver-kubelet.key",
		"--kubelet-certificate-authority=" + keys + "/ca.crt",
		"--requestheader-client-ca-file=" + keys + "/front-proxy-ca.crt",
		"--requestheader-allowed-names=front-proxy-client",
		"--requestheader-username-headers=X-Remote-User",
		"--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file=" + keys + "/front-proxy.crt",
		"--proxy-client-key-file=" + keys + "/front-proxy.key",
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction",
		// BackendTLSPolicy may refer to a ClusterTrustBundle.
		"--runtime-config=certificates.k8s.io/v1beta1=true",
		"--feature-gates=ClusterTrustBundle=true",
		"--allow-privileged=true",
		"--profiling=false",
		"--v=1",
	}}
}

func controllerManager() component {
	const config = keys + "/controller-manager.conf"
	return component{"kube-controller-manager", []string{
		"kube-controller-manager",
		"--kubeconfig=" + config,
		"--authentication-kubeconfig=" + config,
		"--authorization-kubeconfig=" + config,
		"--use-service-account-credentials",
		"--service-account-private-key-file=" + keys + "/sa.key",
		"--root-ca-file=" + keys + "/ca.crt",
		"--cluster-signing-cert-file=" + keys + "/ca.crt",
		"--cluster-signing-key-file=" + keys + "/ca.key",
		// The default is a folder below /usr, which would be made there.
		"--flex-volume-plugin-dir=/var/lib/flexvolumes",
		// At the default of 20, making the accounts of its own controllers
		// takes longer than all the rest of the start.
		"--kube-api-qps=500",
		"--kube-api-burst=1000",
		"--leader-elect=false",
		"--bind-address=127.0.0.1",
		"--v=1",
	}}
}

func scheduler() component {
	const config = keys + "/scheduler.conf"
	return component{"kube-scheduler", []string{
		"kube-scheduler",
		"--kube-api-qps=500",
		"--kube-api-burst=1000",
		"--kubeconfig=" + config,
		"--authentication-kubeconfig=" + config,
		"--authorization-kubeconfig=" + config,
		"--leader-elect=false",
		"--bind-address=127.0.0.1",
		"--v=1",
	}}
}

func kubelet() component {
	return component{"kubelet", []string{
		"kubelet",
		"--config=" + layout.InEtc + "/kubelet.yaml",
		"--kubeconfig=" + keys + "/kubelet.conf",
		"--hostname-override=" + layout.NodeName,
		"--node-ip=" + layout.NodeIP,
		"--v=1",
	}}
}

func kubeProxy() component {
	return component{"kube-proxy", []string{
		"kube-proxy",
		"--config=" + layout.InEtc + "/kube-proxy.yaml",
		"--hostname-override=" + layout.NodeName,
		"--v=1",
	}}
}

func loadBalancer() component {
	return component{"lb", []string{
		"lb",
		"--kubeconfig=" + layout.AdminKubeconfig,
		"--pool=" + layout.LoadBalancerNet,
	}}
}
