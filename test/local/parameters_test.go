package local

import (
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// named answers with its name and with what the proxy tells it of the client.
func named(t *testing.T, name string) string {
	b := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, name, " ", r.Header.Get("X-Forwarded-For"))
	}))
	t.Cleanup(b.Close)
	return b.Listener.Addr().String()
}

func parameters(spec string) string {
	return "apiVersion: fleetgate.io/v1alpha1\nkind: GatewayParameters\nmetadata: {name: web, namespace: shop}\nspec: " + spec + "\n"
}

// TestParametersChangeProxiesThatRun sets timeouts, hops and algorithms, and takes
// them back, while a proxy serves on the same connection.
func TestParametersChangeProxiesThatRun(t *testing.T) {
	world := newScene(t)
	objects, gateway := world.bare()
	objects["gateway"] = strings.Replace(gateway, "spec:\n", "spec:\n  infrastructure: {parametersRef: {group: fleetgate.io, kind: GatewayParameters, name: web}}\n", 1) +
		listener("http", httpPort, "HTTP", "") + "\n"
	objects["route"] = route("HTTPRoute", "all", "http", "", backend("one"))
	maps.Copy(objects, service("shop/one", named(t, "one")))
	// It has another endpoint in a slice of its own.
	objects["slice-two"] = strings.Replace(service("shop/two", named(t, "two"))["slice-two"], "service-name: two", "service-name: one", 1)
	objects["parameters"] = parameters("{}")
	s := start(t, objects)
	client := world.client(asIs)
	get := func(user string) (name, told string) {
		t.Helper()
		r, err := http.NewRequest(http.MethodGet, "http://"+world.at(httpPort)+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Forwarded-For", "203.0.113.9")
		r.Header.Set("X-User", user)
		response, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("got %d %q, %v", response.StatusCode, body, err)
		}
		name, told, _ = strings.Cut(string(body), " ")
		return name, told
	}
	spread := func(user string) int {
		seen := map[string]bool{}
		for range 10 {
			name, _ := get(user)
			seen[name] = true
		}
		return len(seen)
	}
	hops := func(want bool) func() error {
		return func() error {
			if _, told := get(""); strings.HasPrefix(told, "203.0.113.9") != want {
				return fmt.Errorf("the backend is told %q", told)
			}
			return nil
		}
	}
	if err := hops(false)(); err != nil {
		t.Error(err)
	}
	if got := spread("ann"); got != 2 {
		t.Errorf("by turns, %d endpoints are asked", got)
	}
	s.write("parameters", parameters(`{proxy: {trustedHops: 1, logLevel: debug}, backends: {algorithm: ConsistentHash, hash: {source: Header, name: X-User}}}`))
	s.eventually("a hop is trusted", hops(true))
	if got := spread("ann"); got != 1 {
		t.Errorf("by a hash, %d endpoints are asked", got)
	}
	// A timeout holds for a connection that is there.
	idle, err := net.Dial("tcp", world.at(httpPort))
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	s.write("parameters", parameters(`{proxy: {timeouts: {keepAlive: 1s}}}`))
	_ = idle.SetReadDeadline(time.Now().Add(patience))
	if _, err := idle.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("an idle connection: got %v, want its end", err)
	}
	s.eventually("no hop is trusted", hops(false))
	if got := spread("ann"); got != 2 {
		t.Errorf("by turns again, %d endpoints are asked", got)
	}
}
