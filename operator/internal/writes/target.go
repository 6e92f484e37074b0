package writes

import (
	"net/http"
	"strings"
)

// Target is what a request is to change.
type Target struct {
	// Verb is create, update, patch or delete.
	Verb string
	// Group is the API group, which is empty for the core one, and Resource the resource
	// with its subresource, such as gateways/status. Both are empty for a path that is
	// not one of the Kubernetes API.
	Group, Resource string
	// Name is empty for an object that is created.
	Name string
}

// TargetOf returns what a request is to change, and false if that is nothing.
func TargetOf(request *http.Request) (Target, bool) {
	verb, writes := map[string]string{
		http.MethodPost: "create", http.MethodPut: "update", http.MethodPatch: "patch", http.MethodDelete: "delete",
	}[request.Method]
	if !writes {
		return Target{}, false
	}
	target := parse(request.URL.Path)
	target.Verb = verb
	return target, true
}

// parse reads a path such as /apis/apps/v1/namespaces/shop/deployments/web/status.
func parse(path string) (target Target) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	// Some servers are reached below a path of their own.
	for len(parts) > 0 && parts[0] != "api" && parts[0] != "apis" {
		parts = parts[1:]
	}
	group := ""
	if len(parts) > 1 && parts[0] == "apis" {
		group, parts = parts[1], parts[1:]
	}
	if len(parts) < 3 {
		return target
	}
	// What is left begins behind the version.
	parts = parts[2:]
	if parts[0] == "namespaces" && len(parts) > 2 {
		parts = parts[2:]
	}
	target.Group, target.Resource = group, parts[0]
	if len(parts) > 1 {
		target.Name = parts[1]
	}
	if len(parts) > 2 {
		target.Resource += "/" + parts[2]
	}
	return target
}
