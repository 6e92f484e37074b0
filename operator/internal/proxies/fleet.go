package proxies

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// Pod is what matters of a proxy's pod.
type Pod struct {
	Name    string
	UID     types.UID
	Address string
	Ready   bool
}

// FromPod reads a pod. One that is being deleted is not ready, whatever its
// condition says: it gets no new connections.
func FromPod(pod *corev1.Pod) Pod {
	return Pod{Name: pod.Name, UID: pod.UID, Address: pod.Status.PodIP, Ready: pod.DeletionTimestamp == nil && ready(pod)}
}

func ready(pod *corev1.Pod) bool {
	for i := range pod.Status.Conditions {
		if c := &pod.Status.Conditions[i]; c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// Proxy is one pod with what it last said.
type Proxy struct {
	Pod
	// Report is nil as long as the pod has not answered since it was last out
	// of reach.
	Report *proxyconfig.Report
	// Asked says that the pod has answered, or is known not to.
	Asked bool
}

// Fleet is all proxies of a Gateway, sorted by the pods' names.
type Fleet []Proxy

// Ready counts the ready proxies, and those of them that serve the hash.
func (f Fleet) Ready(hash string) (all, serving int) {
	for i := range f {
		if !f[i].Ready {
			continue
		}
		all++
		if f[i].Report != nil && f[i].Report.Hash == hash {
			serving++
		}
	}
	return all, serving
}

// Unheard says whether there are proxies of which nothing is known yet: neither what they
// serve or have refused, nor that they do not answer. It is so for moments after a start.
// Those that are not ready count as well, as it may be for what they refused.
func (f Fleet) Unheard() bool {
	return slices.ContainsFunc(f, func(p Proxy) bool { return p.Address != "" && !p.Asked })
}

// Ahead returns the greatest revision with which a proxy serves another configuration than
// the one of the hash, if that is not older than the revision: then it does not take this
// one. A proxy that speaks of a revision beyond limit is not believed. Zero stands for none.
func (f Fleet) Ahead(hash string, revision, limit int64) (ahead int64) {
	for i := range f {
		if r := f[i].Report; r != nil && r.Hash != hash && r.Revision >= revision && r.Revision <= limit {
			ahead = max(ahead, r.Revision)
		}
	}
	return ahead
}

// Refused are the items that any proxy refused, each with its reasons once.
func (f Fleet) Refused() []proxyconfig.RefusedItem {
	var items []proxyconfig.RefusedItem
	for i := range f {
		if f[i].Report == nil {
			continue
		}
		for _, item := range f[i].Report.Refused {
			if !slices.Contains(items, item) {
				items = append(items, item)
			}
		}
	}
	return items
}

// Hostnames are the problems with names of external backends that any proxy has,
// sorted. Where proxies differ, it is the worst of each name and port.
func (f Fleet) Hostnames() []proxyconfig.HostnameProblem {
	var all []proxyconfig.HostnameProblem
	for i := range f {
		if f[i].Report != nil {
			all = append(all, f[i].Report.Hostnames...)
		}
	}
	slices.SortFunc(all, func(a, b proxyconfig.HostnameProblem) int {
		return cmp.Or(cmp.Compare(a.Hostname, b.Hostname), cmp.Compare(a.Port, b.Port), byStale(a.Stale, b.Stale), cmp.Compare(a.Reason, b.Reason))
	})
	return slices.CompactFunc(all, func(a, b proxyconfig.HostnameProblem) bool { return a.Hostname == b.Hostname && a.Port == b.Port })
}

// byStale orders who still serves behind who does not.
func byStale(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// Rejected tells in sentences which proxies refused a whole configuration.
func (f Fleet) Rejected() []string {
	var pods []string
	reasons := make(map[string][]string)
	for i := range f {
		if f[i].Report == nil || f[i].Report.Rejected == nil {
			continue
		}
		reason := f[i].Report.Rejected.Reason
		if reasons[reason] == nil {
			pods = append(pods, reason)
		}
		reasons[reason] = append(reasons[reason], f[i].Name)
	}
	slices.Sort(pods)
	sentences := make([]string, len(pods))
	for i, reason := range pods {
		sentences[i] = fmt.Sprintf("%s: the last configuration is kept, as a newer one was refused: %s", strings.Join(reasons[reason], ", "), reason)
	}
	return sentences
}
