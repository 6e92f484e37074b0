package measure

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/prometheus/procfs"
	"k8s.io/apimachinery/pkg/types"
)

// Processes returns those of a pod that run a program. The test cluster's processes are
// to be seen from outside, and the kubelet names a pod's cgroup after its UID.
func Processes(pod types.UID, program string) (found []procfs.Proc, err error) {
	all, err := procfs.AllProcs()
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		// A process may have ended meanwhile.
		line, err := p.CmdLine()
		if err != nil || len(line) == 0 || filepath.Base(line[0]) != program {
			continue
		}
		groups, err := os.ReadFile("/proc/" + strconv.Itoa(p.PID) + "/cgroup")
		if err == nil && strings.Contains(strings.ReplaceAll(string(groups), "_", "-"), "pod"+string(pod)) {
			found = append(found, p)
		}
	}
	return found, nil
}
