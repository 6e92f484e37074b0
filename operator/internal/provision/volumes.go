package provision

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// The volumes of a pod, and where they are mounted.
const (
	volumeConfig = "config"
	volumeAdmin  = "admin"
	volumeToken  = "token"
	volumeState  = "state"
	volumeRun    = "run"
	volumeCgroup = "host-cgroup"
	volumeAgent  = "node-agent"

	configDir = "/etc/fleetgate/config"
	adminDir  = "/etc/fleetgate/admin"
	stateDir  = "/var/lib/fleetgate"
	runDir    = "/run/fleetgate"
	cgroupDir = "/host/cgroup"
	// tokenDir is where clients of the API server look.
	tokenDir = "/var/run/secrets/kubernetes.io/serviceaccount"

	probeSocket = runDir + "/probe.sock"
)

func (f *fleet) volumes() []corev1.Volume {
	volumes := []corev1.Volume{
		{Name: volumeConfig, VolumeSource: corev1.VolumeSource{Projected: f.configVolume()}},
		{Name: volumeAdmin, VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{
			SecretName: f.names.AdminSecret(), DefaultMode: ownFiles(),
		}}},
		{Name: volumeToken, VolumeSource: corev1.VolumeSource{Projected: tokenVolume()}},
		{Name: volumeState, VolumeSource: scratch("64Mi")},
		{Name: volumeRun, VolumeSource: scratch("16Mi")},
	}
	if f.mountsCgroup() {
		directory := corev1.HostPathDirectory
		volumes = append(volumes, corev1.Volume{Name: volumeCgroup, VolumeSource: corev1.VolumeSource{
			HostPath: &corev1.HostPathVolumeSource{Path: f.settings.HostCgroup, Type: &directory},
		}})
	}
	if f.asksAgent() {
		volumes = append(volumes, corev1.Volume{Name: volumeAgent, VolumeSource: corev1.VolumeSource{Projected: f.agentVolume()}})
	}
	return volumes
}

// configVolume is one volume of all objects, which swaps as a whole. Its
// sources are a fixed set and optional, so that nothing that comes or goes
// replaces a pod.
//
// Of each of the names, which are 27 for the configuration and 4 for certificates, the
// node's kubelet keeps a watch at the API server, whether the object is there or not. They
// are as many as that all the same:
//   - A list that has no more than what there is would replace the pods when a
//     configuration grows, which is when its traffic does.
//   - A list of the index alone would leave a proxy without its parts where it cannot reach
//     the API server, as a tenant's own policy for egress may have it.
//   - Fewer parts are larger ones. One holds 480 KiB, as a ConfigMap has to have room for
//     the version before beside the new one, and 16 for routes are what 40,000 of them
//     take. Large Gateways would have each write of a part, and each read, be the larger,
//     to spare small ones watches in which nothing ever happens.
//
// A cluster whose API server feels them has its kubelets read instead, once a minute, by
// configMapAndSecretChangeDetectionStrategy: Cache. Proxies hear of changes by the watch
// that they have themselves on the index.
func (f *fleet) configVolume() *corev1.ProjectedVolumeSource {
	optional := true
	var sources []corev1.VolumeProjection
	for _, name := range f.names.ConfigMaps() {
		sources = append(sources, corev1.VolumeProjection{ConfigMap: &corev1.ConfigMapProjection{
			LocalObjectReference: corev1.LocalObjectReference{Name: name},
			Optional:             &optional,
		}})
	}
	for _, name := range f.names.CertificateSecrets() {
		sources = append(sources, corev1.VolumeProjection{Secret: &corev1.SecretProjection{
			LocalObjectReference: corev1.LocalObjectReference{Name: name},
			Optional:             &optional,
		}})
	}
	return &corev1.ProjectedVolumeSource{Sources: sources, DefaultMode: ownFiles()}
}

// tokenVolume is what an automatic mount would have, for the proxy alone.
func tokenVolume() *corev1.ProjectedVolumeSource {
	expiry := int64(3607)
	return &corev1.ProjectedVolumeSource{
		DefaultMode: ownFiles(),
		Sources: []corev1.VolumeProjection{
			{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token", ExpirationSeconds: &expiry}},
			{ConfigMap: &corev1.ConfigMapProjection{
				LocalObjectReference: corev1.LocalObjectReference{Name: "kube-root-ca.crt"},
				Items:                []corev1.KeyToPath{{Key: "ca.crt", Path: "ca.crt"}},
			}},
			{DownwardAPI: &corev1.DownwardAPIProjection{Items: []corev1.DownwardAPIVolumeFile{{
				Path: "namespace", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.namespace"},
			}}}},
		},
	}
}

// ownFiles is the mode of files that the pod's group alone reads.
func ownFiles() *int32 {
	mode := int32(0o440)
	return &mode
}

func scratch(limit string) corev1.VolumeSource {
	size := resource.MustParse(limit)
	return corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{SizeLimit: &size}}
}
