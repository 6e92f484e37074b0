package local

import (
	"net/http"
	"strings"
	"testing"
)

// TestDefaultGateway has a route that names no Gateway: it is served while the
// Gateway is a default one.
func TestDefaultGateway(t *testing.T) {
	world := newScene(t)
	objects, gateway := world.bare()
	objects["gateway"] = strings.Replace(gateway, "spec:\n", "spec:\n  defaultScope: All\n", 1) + listener("http", 8080, "HTTP", "") + "\n"
	objects["route"] = strings.Replace(route("HTTPRoute", "any", "http", "any.example.com", backend("plain")),
		"parentRefs: [{name: web, sectionName: http}]", "useDefaultGateways: All", 1)
	s := start(t, objects)
	ask := world.overHTTP(8080, "any.example.com")
	s.wants(ask, http.StatusOK)
	s.write("gateway", strings.Replace(objects["gateway"], "defaultScope: All", "defaultScope: None", 1))
	s.wants(ask, http.StatusNotFound)
	s.write("gateway", objects["gateway"])
	s.wants(ask, http.StatusOK)
}
