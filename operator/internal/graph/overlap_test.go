package graph

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// secureListener is one with a certificate for the names.
func secureListener(name string, port gatewayv1.PortNumber, hostname string, certified ...string) *Listener {
	source := &gatewayv1.Listener{Name: gatewayv1.SectionName(name), Port: port, Protocol: gatewayv1.HTTPSProtocolType}
	l := &Listener{Source: source, Hostname: hostname, Certificates: []*Certificate{{Names: certified}}}
	l.protocol, _ = protocolOf(source)
	return l
}

// meet says whether certificates for the names are for some host in common.
func meet(a, b []string) bool {
	covered := func(x, y string) bool {
		wild, is := strings.CutPrefix(y, "*")
		_, parent, _ := strings.Cut(x, ".")
		return x == y || is && wild == "."+parent
	}
	return slices.ContainsFunc(a, func(x string) bool {
		return slices.ContainsFunc(b, func(y string) bool { return covered(x, y) || covered(y, x) })
	})
}

// naivePeers compares a listener with each other one.
func naivePeers(all []*Listener, l *Listener, are func(*Listener) bool) Peers {
	var out Peers
	for _, other := range all {
		if other == l || other.Source.Port != l.Source.Port || !are(other) {
			continue
		}
		if len(out.Named) == maxPeers {
			out.More = true
			break
		}
		out.Named = append(out.Named, other)
	}
	return out
}

func namesOfPeers(p Peers) (names []string) {
	for _, l := range p.Named {
		names = append(names, string(l.Source.Name))
	}
	if p.More {
		names = append(names, "more")
	}
	return names
}

func TestPeersAreThoseThatAComparisonOfAllFinds(t *testing.T) {
	names := []string{"a.example.com", "b.example.com", "*.example.com", "a.b.example.com", "*.b.example.com", "*.com", "example.com", "*.", "host", "a.host"}
	hostnames := append(slices.Clone(names[:7]), "")
	random := rand.New(rand.NewPCG(1, 2))
	for _, count := range []int{2, 5, 20, 200} {
		for range 50 {
			var all []*Listener
			for i := range count {
				certified := make([]string, random.IntN(3))
				for j := range certified {
					certified[j] = names[random.IntN(len(names))]
				}
				all = append(all, secureListener(fmt.Sprint(i), gatewayv1.PortNumber(random.IntN(2)), hostnames[random.IntN(len(hostnames))], certified...))
			}
			markOverlaps(all)
			for _, l := range all {
				want := naivePeers(all, l, func(other *Listener) bool { return overlap(l.Hostname, other.Hostname) })
				if diff := cmp.Diff(namesOfPeers(want), namesOfPeers(l.Overlaps)); diff != "" {
					t.Fatalf("hostname %q overlaps (-want +got):\n%s", l.Hostname, diff)
				}
				want = naivePeers(all, l, func(other *Listener) bool { return meet(l.Certificates[0].Names, other.Certificates[0].Names) })
				if diff := cmp.Diff(namesOfPeers(want), namesOfPeers(l.SharedCertificates)); diff != "" {
					t.Fatalf("certificate for %q shared (-want +got):\n%s", l.Certificates[0].Names, diff)
				}
			}
		}
	}
}

// TestOneCertificateForThousandsOfListeners counts what is allocated: it grows with
// the number of listeners, and not with that of their pairs.
func TestOneCertificateForThousandsOfListeners(t *testing.T) {
	spent := func(count int) uint64 {
		var own []*Listener
		sets := []*ListenerSet{{Source: &gatewayv1.ListenerSet{}}}
		for i := range count {
			l := secureListener(fmt.Sprint(i), 443, fmt.Sprintf("h%d.example.com", i), "*.example.com")
			sets[0].Listeners = append(sets[0].Listeners, l)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		markConflicts(own, sets)
		runtime.ReadMemStats(&after)
		for _, l := range sets[0].Listeners {
			if got := l.SharedCertificates; len(got.Named) != maxPeers || !got.More || len(l.Overlaps.Named) != 0 {
				t.Fatalf("listener %s shares its certificate with %d, and overlaps with %d", l.Source.Name, len(got.Named), len(l.Overlaps.Named))
			}
		}
		return after.TotalAlloc - before.TotalAlloc
	}
	few, many := spent(500), spent(4000)
	if many > 16*few {
		t.Errorf("8 times the listeners allocate %d bytes in place of %d, which is %d times as much", many, few, many/few)
	}
}

func TestConflictsAmongThousandsOfListeners(t *testing.T) {
	sets := []*ListenerSet{{Source: &gatewayv1.ListenerSet{}}}
	for i := range 100 {
		sets[0].Listeners = append(sets[0].Listeners, secureListener(fmt.Sprint(i), 443, fmt.Sprintf("h%d.example.com", i%99)))
	}
	plain := &gatewayv1.Listener{Name: "plain", Port: 443, Protocol: gatewayv1.HTTPProtocolType}
	odd := &Listener{Source: plain, Hostname: "plain.example.com"}
	odd.protocol, _ = protocolOf(plain)
	sets[0].Listeners = append(sets[0].Listeners, odd)
	markConflicts(nil, sets)
	for i, l := range sets[0].Listeners[:100] {
		if want := i < 99; l.Accepted() != want {
			t.Errorf("listener %d is accepted: %t, want %t", i, l.Accepted(), want)
		}
	}
	problem, _ := odd.Problems.First(string(gatewayv1.ListenerConditionConflicted))
	if problem.Reason != string(gatewayv1.ListenerReasonProtocolConflict) || strings.Count(problem.Message, "HTTPS") != maxPeers {
		t.Errorf("a listener of another protocol has %+v", problem)
	}
}
