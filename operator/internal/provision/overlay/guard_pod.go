package overlay

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/fleetgate/fleetgate/operator/internal/parameters"
)

// template holds the pods to what they are: no part of the node, no other identity, no
// more rights than before, and what the proxy needs.
func (g *guard) template(before, after *corev1.PodTemplateSpec) {
	g.metadata("spec.template.metadata", before.ObjectMeta, after.ObjectMeta)
	for key := range after.Annotations {
		confines := strings.Contains(key, "apparmor.security.") || strings.Contains(key, "seccomp.security.")
		g.require(!confines, "spec.template.metadata.annotations."+key, "is not allowed")
	}
	g.pod(&before.Spec, &after.Spec)
	g.volumes(&before.Spec, &after.Spec)
	g.containers("spec.template.spec.initContainers", &before.Spec, before.Spec.InitContainers, after.Spec.InitContainers)
	g.containers("spec.template.spec.containers", &before.Spec, before.Spec.Containers, after.Spec.Containers)
	g.same("spec.template.spec.ephemeralContainers", before.Spec.EphemeralContainers, after.Spec.EphemeralContainers)
}

func (g *guard) pod(before, after *corev1.PodSpec) {
	const at = "spec.template.spec."
	g.same(at+"hostNetwork", before.HostNetwork, after.HostNetwork)
	g.same(at+"hostPID", before.HostPID, after.HostPID)
	g.same(at+"hostIPC", before.HostIPC, after.HostIPC)
	g.same(at+"hostUsers", before.HostUsers, after.HostUsers)
	g.same(at+"shareProcessNamespace", before.ShareProcessNamespace, after.ShareProcessNamespace)
	g.same(at+"serviceAccountName", before.ServiceAccountName, after.ServiceAccountName)
	g.same(at+"serviceAccount", before.DeprecatedServiceAccount, after.DeprecatedServiceAccount)
	g.same(at+"automountServiceAccountToken", before.AutomountServiceAccountToken, after.AutomountServiceAccountToken)
	g.same(at+"resourceClaims", before.ResourceClaims, after.ResourceClaims)
	g.same(at+"os", before.OS, after.OS)
	g.same(at+"nodeName", before.NodeName, after.NodeName)
	g.podSecurity(at+"securityContext", before.SecurityContext, after.SecurityContext)
}

func (g *guard) podSecurity(at string, before, after *corev1.PodSecurityContext) {
	if after == nil {
		g.require(before == nil, at, "cannot be removed")
		return
	}
	if before == nil {
		before = &corev1.PodSecurityContext{}
	}
	g.same(at+".seLinuxOptions", before.SELinuxOptions, after.SELinuxOptions)
	g.same(at+".windowsOptions", before.WindowsOptions, after.WindowsOptions)
	g.same(at+".sysctls", before.Sysctls, after.Sysctls)
	g.require(after.RunAsNonRoot == nil || *after.RunAsNonRoot, at+".runAsNonRoot", "cannot be false")
	g.require(after.RunAsUser == nil || *after.RunAsUser != 0, at+".runAsUser", "cannot be root")
	g.require(after.RunAsGroup == nil || *after.RunAsGroup != 0, at+".runAsGroup", "cannot be root")
	g.require(after.SeccompProfile != nil, at+".seccompProfile", "cannot be removed")
	g.profiles(at, after.SeccompProfile, after.AppArmorProfile)
}

// profiles refuses the ones that confine nothing.
func (g *guard) profiles(at string, seccomp *corev1.SeccompProfile, appArmor *corev1.AppArmorProfile) {
	g.require(seccomp == nil || seccomp.Type == corev1.SeccompProfileTypeRuntimeDefault || seccomp.Type == corev1.SeccompProfileTypeLocalhost,
		at+".seccompProfile", "cannot be one that confines nothing")
	g.require(appArmor == nil || appArmor.Type == corev1.AppArmorProfileTypeRuntimeDefault || appArmor.Type == corev1.AppArmorProfileTypeLocalhost,
		at+".appArmorProfile", "cannot be one that confines nothing")
}

// volumes keeps those that are there, but for the size of scratch space. Others may be
// of the kinds that the restricted Pod Security Standard allows, and in the parameters
// of a Gateway of those that show nothing of its namespace: who may write parameters
// need not be allowed to read Secrets.
func (g *guard) volumes(before, after *corev1.PodSpec) {
	const at = "spec.template.spec.volumes."
	known := make(map[string]bool)
	for i := range before.Volumes {
		was := &before.Volumes[i]
		known[was.Name] = true
		is := volume(after, was.Name)
		switch {
		case is == nil:
			g.refuse(at+was.Name, "cannot be removed")
		case isScratch(was) && isScratch(is):
		default:
			g.same(at+was.Name, *was, *is)
		}
	}
	for i := range after.Volumes {
		if added := &after.Volumes[i]; !known[added.Name] {
			g.addedVolume(at+added.Name, added)
		}
	}
}

func (g *guard) addedVolume(at string, added *corev1.Volume) {
	source := added.VolumeSource
	if projected := source.Projected; projected != nil {
		for i := range projected.Sources {
			g.require(projected.Sources[i].ServiceAccountToken == nil, at, "projects a token of the ServiceAccount")
		}
	}
	harmless := source
	harmless.EmptyDir, harmless.DownwardAPI = nil, nil
	g.require(g.layer == parameters.LayerClass || harmless == corev1.VolumeSource{}, at, "can be added by the parameters of a GatewayClass alone")
	allowed := harmless
	allowed.ConfigMap, allowed.Secret, allowed.Projected = nil, nil, nil
	allowed.CSI, allowed.Ephemeral, allowed.PersistentVolumeClaim = nil, nil, nil
	g.require(allowed == corev1.VolumeSource{}, at, "is of a kind that is not allowed")
	// No source at all is an emptyDir to older Kubernetes, and nothing to newer.
	g.require(source != corev1.VolumeSource{}, at, "has no source")
}

func isScratch(volume *corev1.Volume) bool {
	return volume.EmptyDir != nil && volume.VolumeSource == corev1.VolumeSource{EmptyDir: volume.EmptyDir}
}

func volume(pod *corev1.PodSpec, name string) *corev1.Volume {
	for i := range pod.Volumes {
		if pod.Volumes[i].Name == name {
			return &pod.Volumes[i]
		}
	}
	return nil
}
