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
