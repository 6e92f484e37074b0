package overlay

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/fleetgate/fleetgate/operator/internal/parameters"
)

// containers keeps those that are there, and holds all of them to the restricted Pod
// Security Standard, but for the rights that the sensor has already.
func (g *guard) containers(at string, pod *corev1.PodSpec, before, after []corev1.Container) {
	for i := range before {
		was := &before[i]
		is := container(after, was.Name)
		if is == nil {
			g.refuse(at+"."+was.Name, "cannot be removed")
			continue
		}
		g.kept(at+"."+was.Name, was, is)
	}
	for i := range after {
		is := &after[i]
		was := container(before, is.Name)
		if was == nil {
			g.require(g.layer == parameters.LayerClass, at+"."+is.Name, "can be added by the parameters of a GatewayClass alone")
			was = &corev1.Container{Name: is.Name}
		}
		g.confined(at+"."+is.Name, was, is)
		g.mounts(at+"."+is.Name, pod, was, is)
	}
}

// kept holds a container to what it runs and reads.
func (g *guard) kept(at string, before, after *corev1.Container) {
	g.byClass(at+".image", before.Image, after.Image)
	g.byClass(at+".command", before.Command, after.Command)
	g.byClass(at+".args", before.Args, after.Args)
	g.byClass(at+".env", before.Env, after.Env)
	g.byClass(at+".envFrom", before.EnvFrom, after.EnvFrom)
	g.byClass(at+".workingDir", before.WorkingDir, after.WorkingDir)
	g.byClass(at+".lifecycle", before.Lifecycle, after.Lifecycle)
	g.byClass(at+".livenessProbe", before.LivenessProbe, after.LivenessProbe)
	g.byClass(at+".readinessProbe", before.ReadinessProbe, after.ReadinessProbe)
	g.byClass(at+".startupProbe", before.StartupProbe, after.StartupProbe)
	g.arguments(at+".args", before.Args, after.Args)
	for _, mount := range before.VolumeMounts {
		g.require(slices.ContainsFunc(after.VolumeMounts, func(is corev1.VolumeMount) bool { return equal(mount, is) }),
			at+".volumeMounts", "of %s at %s cannot be changed", mount.Name, mount.MountPath)
	}
}

// arguments lets some be added, which are none of those that are there: the last one
// of a name would count.
func (g *guard) arguments(at string, before, after []string) {
	if len(after) < len(before) || !slices.Equal(before, after[:len(before)]) {
		g.refuse(at, "that are there cannot be changed")
		return
	}
	for _, added := range after[len(before):] {
		for _, own := range before {
			g.require(flagOf(added) != flagOf(own), at, "have %s twice", flagOf(own))
		}
	}
}

// flagOf is the name of a flag, which may have one dash or two.
func flagOf(argument string) string {
	name, _, _ := strings.Cut(strings.TrimLeft(argument, "-"), "=")
	return name
}

// mounts keeps what one container reads from another, and mounts where they are: over
// or below a mount of ours would be something else in its place.
func (g *guard) mounts(at string, pod *corev1.PodSpec, before, after *corev1.Container) {
	g.same(at+".volumeDevices", before.VolumeDevices, after.VolumeDevices)
	for i := range after.VolumeMounts {
		mount := &after.VolumeMounts[i]
		if slices.ContainsFunc(before.VolumeMounts, func(was corev1.VolumeMount) bool { return equal(was, *mount) }) {
			continue
		}
		g.require(mount.MountPropagation == nil || *mount.MountPropagation == corev1.MountPropagationNone,
			at+".volumeMounts", "cannot propagate")
		source := volume(pod, mount.Name)
		g.require(source == nil || isScratch(source), at+".volumeMounts", "of %s is for another container", mount.Name)
		for _, own := range before.VolumeMounts {
			g.require(!within(mount.MountPath, own.MountPath) && !within(own.MountPath, mount.MountPath),
				at+".volumeMounts", "at %s meets the one at %s", mount.MountPath, own.MountPath)
		}
	}
}

func within(path, of string) bool {
	path, of = strings.TrimRight(path, "/")+"/", strings.TrimRight(of, "/")+"/"
	return strings.HasPrefix(path, of)
}

// confined holds a container to the rights that it had. One that is new has none.
func (g *guard) confined(at string, before, after *corev1.Container) {
	for _, port := range after.Ports {
		g.require(port.HostPort == 0 && port.HostIP == "", at+".ports", "cannot be the host's")
	}
	g.same(at+".resources.claims", before.Resources.Claims, after.Resources.Claims)
	for _, probe := range []*corev1.Probe{after.LivenessProbe, after.ReadinessProbe, after.StartupProbe} {
		if probe != nil {
			g.asksItself(at+".probe", probe.HTTPGet, probe.TCPSocket)
		}
	}
	if after.Lifecycle != nil {
		for _, hook := range []*corev1.LifecycleHandler{after.Lifecycle.PostStart, after.Lifecycle.PreStop} {
			if hook != nil {
				g.asksItself(at+".lifecycle", hook.HTTPGet, hook.TCPSocket)
			}
		}
	}
	g.security(at+".securityContext", before.SecurityContext, after.SecurityContext)
}

// asksItself keeps the kubelet from asking somebody else.
func (g *guard) asksItself(at string, get *corev1.HTTPGetAction, socket *corev1.TCPSocketAction) {
	g.require(get == nil || get.Host == "", at, "cannot ask another host")
	g.require(socket == nil || socket.Host == "", at, "cannot ask another host")
}

func (g *guard) security(at string, before, after *corev1.SecurityContext) {
	if after == nil {
		g.refuse(at, "cannot be missing")
		return
	}
	isNew := before == nil
	if isNew {
		before = &corev1.SecurityContext{}
	}
	g.require(!is(after.Privileged), at+".privileged", "cannot be true")
	g.require(after.AllowPrivilegeEscalation != nil && !*after.AllowPrivilegeEscalation, at+".allowPrivilegeEscalation", "must be false")
	g.require(is(after.RunAsNonRoot) || isFalse(before.RunAsNonRoot), at+".runAsNonRoot", "must be true")
	g.require(after.RunAsUser == nil || *after.RunAsUser != 0 || isZero(before.RunAsUser), at+".runAsUser", "cannot be root")
	g.require(after.RunAsGroup == nil || *after.RunAsGroup != 0 || isZero(before.RunAsGroup), at+".runAsGroup", "cannot be root")
	g.require(isNew || is(after.ReadOnlyRootFilesystem) || !is(before.ReadOnlyRootFilesystem), at+".readOnlyRootFilesystem", "must be true")
	g.require(after.ProcMount == nil || *after.ProcMount == corev1.DefaultProcMount, at+".procMount", "must be Default")
	g.same(at+".seLinuxOptions", before.SELinuxOptions, after.SELinuxOptions)
	g.same(at+".windowsOptions", before.WindowsOptions, after.WindowsOptions)
	g.profiles(at, after.SeccompProfile, after.AppArmorProfile)
	g.capabilities(at+".capabilities", before.Capabilities, after.Capabilities)
}

func (g *guard) capabilities(at string, before, after *corev1.Capabilities) {
	if after == nil || !slices.Contains(after.Drop, "ALL") {
		g.refuse(at+".drop", "must have ALL")
		return
	}
	for _, capability := range after.Add {
		g.require(before != nil && slices.Contains(before.Add, capability), at+".add", "cannot have %s", capability)
	}
}

func is(flag *bool) bool        { return flag != nil && *flag }
func isFalse(flag *bool) bool   { return flag != nil && !*flag }
func isZero(number *int64) bool { return number != nil && *number == 0 }

func container(list []corev1.Container, name string) *corev1.Container {
	for i := range list {
		if list[i].Name == name {
			return &list[i]
		}
	}
	return nil
}
