package local

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// overHTTPAs asks for a host as somebody.
func (s *scene) overHTTPAs(user string, port int, host string) ask {
	client := s.client(asIs)
	return func() (int, error) {
		r, err := http.NewRequest(http.MethodGet, "http://"+s.at(port)+"/", http.NoBody)
		if err != nil {
			return 0, err
		}
		r.Host = host
		r.Header.Set("Authorization", user)
		return do(client, r)
	}
}

// TestListenerFilters has a listener ask who the client is before it routes, and
// breaks what it asks: the listener beside it is not hit, and nobody gets past.
func TestListenerFilters(t *testing.T) {
	world := newScene(t)
	auth := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user := r.Header.Get("Authorization")
		if user == "mallory" {
			w.WriteHeader(http.StatusUnauthorized)
		}
		w.Header().Set("X-User", user)
	}))
	t.Cleanup(auth.Close)
	const host = "guarded.example.com"
	objects, gateway := world.bare()
	guarded := func(filter string) string {
		return gateway + listener("open", 8080, "HTTP", "") + "\n" +
			listener("guarded", 8080, "HTTP", ", hostname: "+host+", filters: {requests: ["+filter+"]}") + "\n"
	}
	asks := func(service string) string {
		return "{type: ExternalAuth, externalAuth: {protocol: HTTP, backendRef: {name: " + service + ", port: 80}}}"
	}
	objects["gateway"] = guarded(asks("auth"))
	maps.Copy(objects, service("shop/auth", strings.TrimPrefix(auth.URL, "http://")))
	objects["open"] = route("HTTPRoute", "open", "open", "", backend("plain"))
	objects["guarded"] = route("HTTPRoute", "guarded", "guarded", host, backend("plain")) +
		"    matches: [{headers: [{name: X-User, value: alice}]}]\n"
	s := start(t, objects)

	open := newWitness("the listener beside", s.hears(world.overHTTP(8080, "open.example.com")))
	alice, bob, mallory := world.overHTTPAs("alice", 8080, host), world.overHTTPAs("bob", 8080, host), world.overHTTPAs("mallory", 8080, host)
	s.wants(alice, http.StatusOK)
	s.wants(bob, http.StatusNotFound)
	s.wants(mallory, http.StatusUnauthorized)
	for _, b := range []struct{ name, filter, reason string }{
		{"a Service that is not there", asks("nowhere"), "InvalidListenerFilterRef"},
		{"a filter that nobody knows", asks("auth") + ", {type: ExtensionRef, extensionRef: {group: example.com, kind: Nothing, name: x}}", "UnsupportedValue"},
	} {
		s.write("gateway", guarded(b.filter))
		s.until(b.name+" is told", func(f facts) bool { return f.told("Gateway shop/web", b.reason) })
		s.wants(alice, http.StatusInternalServerError)
		s.wants(mallory, http.StatusInternalServerError)
		s.write("gateway", objects["gateway"])
		s.wants(alice, http.StatusOK)
	}
	open.dismiss(t)
}
