package local

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"
)

// longest is as long as a name may be, and ends on what tells it from others.
func longest(end string) string {
	label := strings.Repeat("a", 60) + "."
	return strings.Repeat(label, 5)[:253-len(end)] + end
}

// bare is a class and a backend, and a Gateway to which its listeners are to be
// added.
func (s *scene) bare() (objects map[string]string, gateway string) {
	objects = map[string]string{"class": s.objects()["class"]}
	maps.Copy(objects, service("shop/plain", s.plain))
	gateway, _, _ = strings.Cut(s.gateway(), "  listeners:")
	return objects, gateway + "  listeners:\n"
}

// TestManyListeners has as many as a Gateway may have, half of them on one port.
func TestManyListeners(t *testing.T) {
	world := newScene(t)
	objects, gateway := world.bare()
	const most = 64
	hosts, ports := make([]string, most), make([]int, most)
	for i := range most {
		hosts[i], ports[i] = fmt.Sprintf("h%d.example.com", i), 8080
		if i%2 == 1 {
			ports[i] = 10000 + i
		}
		name := fmt.Sprintf("l%d", i)
		gateway += listener(name, ports[i], "HTTP", ", hostname: "+hosts[i]) + "\n"
		// Odd ones have their route by the listener, even ones by the hostname.
		if i%2 == 1 {
			objects["route-"+name] = route("HTTPRoute", name, name, "", backend("plain"))
		} else {
			objects["route-"+name] = strings.Replace(route("HTTPRoute", name, name, hosts[i], backend("plain")), ", sectionName: "+name, "", 1)
		}
	}
	objects["gateway"] = gateway
	s := start(t, objects)
	for i := range most {
		s.wants(world.overHTTP(ports[i], hosts[i]), http.StatusOK)
		// A listener serves the hosts of no other.
		s.wants(world.overHTTP(ports[i], hosts[(i+1)%most]), http.StatusNotFound)
	}
}

// TestLongNames has names of 253 characters that differ in their last one, in
// every place that takes them.
func TestLongNames(t *testing.T) {
	world := newScene(t)
	objects, gateway := world.bare()
	for i := range 2 {
		end := fmt.Sprint(i)
		gateway += listener(longest(end), 8080+i, "HTTP", "") + "\n"
		objects["route"+end] = route("HTTPRoute", longest(end), longest(end), longest(".b"+end), backend("plain"))
	}
	objects["gateway"] = gateway
	s := start(t, objects)
	for i := range 2 {
		s.wants(world.overHTTP(8080+i, longest(".b"+fmt.Sprint(i))), http.StatusOK)
		s.wants(world.overHTTP(8080+i, longest(".b"+fmt.Sprint(1-i))), http.StatusNotFound)
	}
}

// TestExpressionsDoNotExplode matches what takes engines that backtrack longer
// than the universe is old.
func TestExpressionsDoNotExplode(t *testing.T) {
	world := newScene(t)
	objects := world.objects()
	objects["victim-http"] = route("HTTPRoute", "victim", "http", "victim.example.com", backend("victim")) +
		"    matches: [{path: {type: RegularExpression, value: '/(a|a|aa)+(a+)+$'}}]\n"
	s := start(t, objects)
	client := world.client(asIs)
	s.wants(get(client, "http://"+world.at(httpPort)+"/aaa", "victim.example.com"), http.StatusOK)
	begun := time.Now()
	s.wants(get(client, "http://"+world.at(httpPort)+"/"+strings.Repeat("a", 4000)+"!", "victim.example.com"), http.StatusNotFound)
	// Not a measurement: the one is a matter of milliseconds, the other of ages.
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
}

// TestTies has routes that are alike in everything that decides but their names,
// and rules that are alike in everything but their order.
func TestTies(t *testing.T) {
	world := newScene(t)
	objects := world.objects()
	tied := func(name, to string) string { return route("HTTPRoute", name, "http", "tie.example.com", backend(to)) }
	// The backend that is not there answers 500, which tells who has won.
	objects["tie-a"], objects["tie-b"] = tied("a", "nowhere"), tied("b", "plain")
	s := start(t, objects)
	tie := world.overHTTP(httpPort, "tie.example.com")
	s.wants(tie, http.StatusInternalServerError)
	s.write("tie-a", tied("a", "plain")+"  - backendRefs: ["+backend("nowhere")+"]\n")
	s.wants(tie, http.StatusOK)
	s.write("tie-a", tied("a", "nowhere")+"  - backendRefs: ["+backend("plain")+"]\n")
	s.wants(tie, http.StatusInternalServerError)
	s.write("tie-a", "")
	s.wants(tie, http.StatusOK)
}
