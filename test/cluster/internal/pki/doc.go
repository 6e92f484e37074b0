// Package pki makes the certificates, keys and kubeconfigs of one cluster.
//
// It turns names and addresses into files in memory; only Write touches the
// disk. All keys are new each time: a cluster that starts afresh trusts
// nothing of the one before.
package pki
