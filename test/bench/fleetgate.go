package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// proxyFile is the program below a folder with what was prepared.
const proxyFile = "fleetgate-proxy"

// routeCount is how many routes Fleetgate's configuration has. The peers have
// one each.
const routeCount = 1000

// host is the Host of all requests; it belongs to a route in the middle.
var host = routeHost(routeCount / 2)

func routeHost(i int) string { return fmt.Sprintf("r%04d.bench.example", i) }

var benchGateway = proxyconfig.Gateway{Namespace: "bench", Name: "edge", UID: "bench-edge"}

// The listeners and the backend, by their names in the configuration.
const (
	httpListener   = "http"
	httpsListener  = "https"
	h2cListener    = "h2c"
	grpcListener   = "grpc"
	tcpListener    = "tcp"
	appBackend     = "bench/app:80"
	callsBackend   = "bench/calls:90"
	bulkBackend    = "bench/bulk:91"
	certificateKey = "bench"
)

// fleetgateConfig routes as many hostnames as there are routes to one backend,
// from each of the listeners.
func fleetgateConfig(s site, certificateHash string) *proxyconfig.Config {
	c := &proxyconfig.Config{
		Listeners: []proxyconfig.Listener{
			{Name: httpListener, Port: int32(s.Plain), Protocol: proxyconfig.HTTP},
			{Name: httpsListener, Port: int32(s.Secure), Protocol: proxyconfig.HTTPS,
				Certificates: []proxyconfig.CertificateRef{{Key: certificateKey, SHA256: certificateHash}}},
			{Name: h2cListener, Port: int32(s.Clear2), Protocol: proxyconfig.HTTP},
			{Name: grpcListener, Port: int32(s.Calls), Protocol: proxyconfig.HTTP},
			{Name: tcpListener, Port: int32(s.Stream), Protocol: proxyconfig.TCP},
		},
		Backends: []proxyconfig.Backend{
			backendOf(appBackend, "app", 80, proxyconfig.BackendHTTP1, s.Backend),
			backendOf(callsBackend, "calls", 90, proxyconfig.BackendHTTP2, s.CallsBackend),
			backendOf(bulkBackend, "bulk", 91, proxyconfig.BackendTCP, s.StreamBackend),
		},
		Routes: []proxyconfig.Route{callsRoute(), bulkRoute()},
	}
	for i := range routeCount {
		c.Routes = append(c.Routes, routeOf(i, appBackend, httpListener, httpsListener, h2cListener))
	}
	return c
}

// routeOf is the route of one hostname, attached to some listeners.
func routeOf(i int, backend string, listeners ...string) proxyconfig.Route {
	r := proxyconfig.Route{
		Kind: "HTTPRoute", Namespace: "bench", Name: fmt.Sprintf("r%04d", i), CreatedAt: 1,
		Rules: []proxyconfig.Rule{{
			Matches:  []proxyconfig.Match{{Path: &proxyconfig.PathMatch{Type: proxyconfig.PathPrefix, Value: "/"}}},
			Backends: []proxyconfig.BackendRef{{Backend: backend, Weight: 1}},
		}},
	}
	for _, listener := range listeners {
		r.Attachments = append(r.Attachments, proxyconfig.Attachment{Listener: listener, Hostnames: []string{routeHost(i)}})
	}
	return r
}

// callsRoute sends gRPC to a backend of its own.
func callsRoute() proxyconfig.Route {
	r := routeOf(routeCount/2, callsBackend, grpcListener)
	r.Name = "calls"
	return r
}

func bulkRoute() proxyconfig.Route {
	return proxyconfig.Route{
		Kind: proxyconfig.TCPRoute, Namespace: "bench", Name: "bulk", CreatedAt: 1,
		Attachments: []proxyconfig.Attachment{{Listener: tcpListener, Hostnames: []string{""}}},
		Rules:       []proxyconfig.Rule{{Backends: []proxyconfig.BackendRef{{Backend: bulkBackend, Weight: 1}}}},
	}
}

func backendOf(id, service string, port int32, protocol string, endpoint int) proxyconfig.Backend {
	return proxyconfig.Backend{
		ID: id, Namespace: "bench", Service: service, Port: port, Protocol: protocol,
		Endpoints: []proxyconfig.Endpoint{{Address: "127.0.0.1", Port: int32(endpoint)}},
	}
}

// fleetgate writes the configuration and returns the command: the program's
// defaults, beside what it cannot do without on this machine.
func fleetgate(s site) ([]string, error) {
	dir := filepath.Join(s.Work, "fleetgate")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	hash, err := copyCertificate(s, dir)
	if err != nil {
		return nil, err
	}
	document, _, err := proxyconfig.Encode(benchGateway, 1, fleetgateConfig(s, hash))
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, proxyconfig.ConfigKey), document, 0o644); err != nil {
		return nil, err
	}
	return []string{
		filepath.Join(s.Work, proxyFile),
		"--gateway-namespace", benchGateway.Namespace,
		"--gateway-name", benchGateway.Name,
		"--gateway-uid", benchGateway.UID,
		"--config-dir", dir,
		"--allow-loopback-backends",
	}, nil
}

// copyCertificate puts the key pair where the proxy looks for it and returns
// the hash that the configuration names it by.
func copyCertificate(s site, dir string) (string, error) {
	for from, to := range map[string]string{s.Certificate(): certificateKey + ".crt", s.Key(): certificateKey + ".key"} {
		data, err := os.ReadFile(from)
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(dir, to), data, 0o600); err != nil {
			return "", err
		}
	}
	data, err := os.ReadFile(s.Certificate())
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), err
}
