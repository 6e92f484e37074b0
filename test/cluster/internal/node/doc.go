// Package node is the first process of the cluster's namespaces: what init is
// to a machine. It sets up mounts and network, starts the components of
// Kubernetes and containerd, starts again what ends, collects orphans, and
// installs DNS.
//
// It knows nothing of the machine outside: its folders are at fixed paths
// (package layout), and it speaks with whoever started it only through the
// timeline file and signals. When it ends, the kernel ends every process of
// the cluster, pods included, and removes the mounts.
package node
