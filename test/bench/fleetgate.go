package main

import (
	"fmt"
	"os"
	"path/filepath"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// routeCount is how many routes Fleetgate's configuration has. The peers have
// one each.
const routeCount = 1000

// host is the Host of all requests; it belongs to a route in the middle.
var host = routeHost(routeCount / 2)

func routeHost(i int) string { return fmt.Sprintf("r%04d.bench.example", i) }

var benchGateway = proxyconfig.Gateway{Namespace: "bench", Name: "edge", UID: "bench-edge"}

// fleetgateConfig routes as many hostnames as there are routes to one backend.
func fleetgateConfig(port, backend int) *proxyconfig.Config {
	c := &proxyconfig.Config{
		Listeners: []proxyconfig.Listener{{Name: "http", Port: int32(port), Protocol: proxyconfig.HTTP}},
		Backends: []proxyconfig.Backend{{
			ID: "bench/app:80", Namespace: "bench", Service: "app", Port: 80, Protocol: "http",
			Endpoints: []proxyconfig.Endpoint{{Address: "127.0.0.1", Port: int32(backend)}},
		}},
	}
	for i := range routeCount {
		c.Routes = append(c.Routes, proxyconfig.Route{
			Kind: "HTTPRoute", Namespace: "bench", Name: fmt.Sprintf("r%04d", i), CreatedAt: 1,
			Attachments: []proxyconfig.Attachment{{Listener: "http", Hostnames: []string{routeHost(i)}}},
			Rules: []proxyconfig.Rule{{
				Matches:  []proxyconfig.Match{{Path: &proxyconfig.PathMatch{Type: proxyconfig.PathPrefix, Value: "/"}}},
				Backends: []proxyconfig.BackendRef{{Backend: "bench/app:80", Weight: 1}},
			}},
		})
	}
	return c
}

// fleetgate writes the configuration and returns the command: the program's
// defaults, beside what it cannot do without on this machine.
func fleetgate(work string, port int) ([]string, error) {
	dir := filepath.Join(work, "fleetgate")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	document, _, err := proxyconfig.Encode(benchGateway, 1, fleetgateConfig(port, backendPort))
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, proxyconfig.ConfigKey), document, 0o644); err != nil {
		return nil, err
	}
	return []string{
		filepath.Join(work, "fleetgate-proxy"),
		"--gateway-namespace", benchGateway.Namespace,
		"--gateway-name", benchGateway.Name,
		"--gateway-uid", benchGateway.UID,
		"--config-dir", dir,
		"--allow-loopback-backends",
	}, nil
}
