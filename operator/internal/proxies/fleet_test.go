package proxies

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

func TestFleet(t *testing.T) {
	item := proxyconfig.RefusedItem{Kind: proxyconfig.KindRule, Name: "a/b", Rule: 1, Reason: "bad"}
	other := proxyconfig.RefusedItem{Kind: proxyconfig.KindListener, Name: "http", Reason: "in use"}
	rejection := &proxyconfig.Rejection{Source: "watch", Reason: "hash does not match"}
	fleet := Fleet{
		{Pod: Pod{Name: "p1", Ready: true}, Report: &proxyconfig.Report{Hash: "new", Refused: []proxyconfig.RefusedItem{item}}},
		{Pod: Pod{Name: "p2", Ready: true}, Report: &proxyconfig.Report{Hash: "old", Rejected: rejection}},
		{Pod: Pod{Name: "p3", Ready: true}},
		{Pod: Pod{Name: "p4"}, Report: &proxyconfig.Report{Hash: "new", Rejected: rejection, Refused: []proxyconfig.RefusedItem{item, other}}},
	}
	if all, serving := fleet.Ready("new"); all != 3 || serving != 1 {
		t.Errorf("got %d ready, %d serving", all, serving)
	}
	if diff := cmp.Diff([]proxyconfig.RefusedItem{item, other}, fleet.Refused()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"p2, p4: the last configuration is kept, as a newer one was refused: hash does not match"}, fleet.Rejected()); diff != "" {
		t.Error(diff)
	}
}

func TestFleetIsAhead(t *testing.T) {
	said := func(hash string, revision int64) Proxy {
		return Proxy{Report: &proxyconfig.Report{Hash: hash, Revision: revision}}
	}
	for name, tt := range map[string]struct {
		fleet Fleet
		want  int64
	}{
		"behind":               {Fleet{said("old", 6), {}}, 0},
		"on it":                {Fleet{said("new", 7), said("new", 9)}, 0},
		"ahead":                {Fleet{said("other", 8), said("another", 9), said("old", 6)}, 9},
		"of the same revision": {Fleet{said("other", 7)}, 7},
		"beyond belief":        {Fleet{said("other", 101), said("another", 100)}, 100},
	} {
		if got := tt.fleet.Ahead("new", 7, 100); got != tt.want {
			t.Errorf("%s: got %d, want %d", name, got, tt.want)
		}
	}
}

func TestFleetTellsTheWorstOfEachHostname(t *testing.T) {
	problem := func(hostname string, port int32, reason string, stale bool) proxyconfig.HostnameProblem {
		return proxyconfig.HostnameProblem{Hostname: hostname, Port: port, Reason: reason, Stale: stale}
	}
	said := func(list ...proxyconfig.HostnameProblem) Proxy {
		return Proxy{Report: &proxyconfig.Report{Hostnames: list}}
	}
	fleet := Fleet{
		said(problem("a", 443, proxyconfig.HostnameNoAnswer, true), problem("b", 80, proxyconfig.HostnameNotFound, false)),
		{},
		said(problem("a", 80, proxyconfig.HostnameForbidden, false), problem("a", 443, proxyconfig.HostnameNotFound, false)),
		said(problem("a", 443, proxyconfig.HostnameForbidden, true)),
	}
	want := []proxyconfig.HostnameProblem{
		problem("a", 80, proxyconfig.HostnameForbidden, false), problem("a", 443, proxyconfig.HostnameNotFound, false),
		problem("b", 80, proxyconfig.HostnameNotFound, false),
	}
	if diff := cmp.Diff(want, fleet.Hostnames()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestFromPod(t *testing.T) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", UID: "u"}}
	pod.Status.PodIP = "10.0.0.1"
	if got := FromPod(pod); got != (Pod{Name: "p", UID: "u", Address: "10.0.0.1"}) {
		t.Errorf("without a condition: %+v", got)
	}
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	if !FromPod(pod).Ready {
		t.Error("not ready")
	}
	pod.DeletionTimestamp = new(metav1.Now())
	if FromPod(pod).Ready {
		t.Error("ready while being deleted")
	}
}

func TestUnheard(t *testing.T) {
	ready := Pod{Name: "a", Address: "10.0.0.1", Ready: true}
	for name, tt := range map[string]struct {
		proxy Proxy
		want  bool
	}{
		"not asked":         {Proxy{Pod: ready}, true},
		"does not answer":   {Proxy{Pod: ready, Asked: true}, false},
		"not ready":         {Proxy{Pod: Pod{Address: "10.0.0.1"}}, true},
		"never to be asked": {Proxy{Pod: Pod{Ready: true}}, false},
	} {
		if got := (Fleet{tt.proxy}).Unheard(); got != tt.want {
			t.Errorf("%s: got %t", name, got)
		}
	}
}
