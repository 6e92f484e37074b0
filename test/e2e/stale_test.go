package e2e

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/fleetgate/fleetgate/test/internal/measure"
)

// divided has one proxy of the Gateway hear of nothing any more while a route changes. The
// other one is replaced, so that nobody in the last minutes has told of less than the
// change but the first.
func (m *monitored) divided(t *testing.T) situation {
	pods, err := m.gateway.Pods(t.Context())
	if err != nil || len(pods) != fleetSize {
		t.Fatalf("%d pods, %v", len(pods), err)
	}
	behind, ahead := pods[0], pods[1]
	deafen(t, &behind)
	m.route("closed", "closed.example.com", "divided", "closed")
	const revision = `max(fleetgate_proxy_config_revision{namespace=%q, pod=%q})`
	m.wantData(t, fmt.Sprintf(revision+" > "+revision, m.namespace, ahead.Name, m.namespace, behind.Name))
	served := m.wantData(t, fmt.Sprintf(revision, m.namespace, behind.Name))[0].Value
	m.kubectl("delete", "pod", ahead.Name, "--wait=false")
	return situation{
		alert: "FleetgateConfigStale", gateway: m.gateway, pod: behind.Name,
		sees: []string{
			fmt.Sprintf(`pod=%q.* => %s @`, behind.Name, served), `(?m)^` + behind.Name + ` +2/2 +Running`,
			`Cannot watch, going on with what is there`,
		},
	}
}

// deafen keeps from a proxy all that changes, until the test ends: it has no way to the API
// server, and what the kubelet writes does not get to the files that the pod has mounted.
func deafen(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	process, err := measure.Processes(pod.UID, "fleetgate-proxy")
	if err != nil || len(process) == 0 {
		t.Fatalf("pod %s has %d proxies, %v", pod.Name, len(process), err)
	}
	api, err := cluster.Kubectl(t.Context(), "get", "service", "kubernetes", "-n", "default", "-o", "jsonpath={.spec.clusterIP}")
	if err != nil {
		t.Fatal(err)
	}
	mounted := "/var/lib/kubelet/pods/" + string(pod.UID) + "/volumes/kubernetes.io~projected/config"
	inPod := func(args ...string) error {
		args = append([]string{"-t", strconv.Itoa(process[0].PID), "-n"}, args...)
		if out, err := exec.CommandContext(context.WithoutCancel(t.Context()), "nsenter", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("nsenter %v: %w: %s", args, err, out)
		}
		return nil
	}
	inNode := func(args ...string) error {
		_, err := cluster.Exec(context.WithoutCancel(t.Context()), args[0], args[1:]...)
		return err
	}
	for _, step := range []struct{ do, undo func() error }{
		{
			func() error { return inNode("mount", "-t", "tmpfs", "none", mounted) },
			func() error { return inNode("umount", mounted) },
		},
		{
			func() error { return inPod("ip", "route", "add", "unreachable", string(api)) },
			func() error { return inPod("ip", "route", "del", "unreachable", string(api)) },
		},
		{
			func() error { return inPod("ss", "-K", "dst", string(api)) },
			func() error { return nil },
		},
	} {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := step.undo(); err != nil {
				t.Error(err)
			}
		})
	}
}
