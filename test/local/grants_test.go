package local

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// The ports of listeners that refer to something of another namespace.
const (
	askingPort    = 8083
	setAskingPort = 8084
	setHTTPSPort  = 8445
)

// granted is a reference from shop to an object of vault, which is served by a
// grant of its own.
type granted struct {
	name string
	// from is the kind that refers, to and object are what is referred to.
	from, to, object string
	// told is who is told once the grant is gone.
	told string
	ask  ask
	// status is the answer without the grant, or zero for none.
	status int
}

func (g granted) file() string { return "grant-" + g.from + "-" + g.object }

func (g granted) grant() string {
	return fmt.Sprintf(`apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {name: %s, namespace: vault}
spec:
  from: [{group: gateway.networking.k8s.io, kind: %s, namespace: shop}]
  to: [{group: "", kind: %s, name: %s}]
`, strings.ToLower(g.from)+"-"+g.object, g.from, g.to, g.object)
}

func inVault(name string) string { return "{name: " + name + ", namespace: vault, port: 80}" }

func asking(service string) string {
	return "{type: ExternalAuth, externalAuth: {protocol: HTTP, backendRef: " + inVault(service) + "}}"
}

// vault adds a Gateway, a ListenerSet and routes that refer to vault in every way.
func (s *scene) vault(t *testing.T, mirrored string) (map[string]string, *tls.Certificate) {
	objects, _ := s.bare()
	identity, bundle := newIdentity(t)
	gateway, _, _ := strings.Cut(s.gateway(), "  listeners:")
	cert := ", tls: {certificateRefs: [{name: %s%s}]}"
	objects["gateway"] = gateway +
		"  tls: {frontend: {default: {}, perPort: [{port: 9443, tls: {validation: {caCertificateRefs: [{group: \"\", kind: ConfigMap, name: clients, namespace: vault}]}}}]}}\n" +
		"  listeners:\n" + strings.Join([]string{
		listener("http", httpPort, "HTTP", ""),
		listener("asking", askingPort, "HTTP", ", filters: {requests: ["+asking("listener-auth")+"]}"),
		listener("https", httpsPort, "HTTPS", fmt.Sprintf(cert, "cert", ", namespace: vault")),
		listener("validating", victimHTTPSPort, "HTTPS", fmt.Sprintf(cert, "own", "")),
		listener("passthrough", passthroughPort, "TLS", ", tls: {mode: Passthrough}"),
		listener("tcp", tcpPort, "TCP", ""),
		listener("udp", udpPort, "UDP", ""),
	}, "\n") + "\n"
	objects["set"] = "apiVersion: gateway.networking.k8s.io/v1\nkind: ListenerSet\nmetadata: {name: more, namespace: shop}\n" +
		"spec:\n  parentRef: {name: web}\n  listeners:\n" +
		listener("more-asking", setAskingPort, "HTTP", ", filters: {requests: ["+asking("set-auth")+"]}") + "\n" +
		listener("more-https", setHTTPSPort, "HTTPS", fmt.Sprintf(cert, "set-cert", ", namespace: vault")) + "\n"

	filtered := func(kind, name, host, filter, to string) string {
		return route(kind, name, "http", host, backend(to)) + "    filters: [" + filter + "]\n"
	}
	mirror := "{type: RequestMirror, requestMirror: {backendRef: " + inVault("mirror") + "}}"
	objects["http"] = route("HTTPRoute", "http", "http", "a.example.com", inVault("web"))
	objects["grpc"] = route("GRPCRoute", "grpc", "http", "grpc.example.com", inVault("http2"))
	objects["tls"] = route("TLSRoute", "tls", "passthrough", "tls.example.com", inVault("secure"))
	objects["tcp"] = route("TCPRoute", "tcp", "tcp", "", inVault("bytes"))
	objects["udp"] = route("UDPRoute", "udp", "udp", "", inVault("datagrams"))
	objects["mirror"] = filtered("HTTPRoute", "mirror", "mirror.example.com", mirror, "plain")
	objects["auth"] = filtered("HTTPRoute", "auth", "auth.example.com", asking("auth"), "plain")
	objects["own"] = route("HTTPRoute", "own", "http", "own.example.com", backend("plain"))
	for _, section := range []string{"asking", "https", "validating"} {
		objects["on-"+section] = route("HTTPRoute", section, section, "", backend("plain"))
	}
	objects["on-set"] = strings.Replace(route("HTTPRoute", "on-set", "nowhere", "", backend("plain")),
		"{name: web, sectionName: nowhere}", "{group: gateway.networking.k8s.io, kind: ListenerSet, name: more}", 1)

	objects["own-cert"] = s.secret("own")
	for _, name := range []string{"cert", "set-cert"} {
		objects[name] = strings.Replace(s.secret(name), "namespace: shop", "namespace: vault", 1)
	}
	objects["clients"] = strings.Replace(configMap("clients", string(bundle)), "namespace: shop", "namespace: vault", 1)
	for name, address := range map[string]string{
		"web": s.plain, "http2": s.http2, "secure": s.secure, "bytes": s.plain, "datagrams": s.datagrams,
		"mirror": mirrored, "auth": s.plain, "listener-auth": s.plain, "set-auth": s.plain,
	} {
		maps.Copy(objects, service("vault/"+name, address))
	}
	return objects, identity
}

// newIdentity returns a client's certificate, and itself as the bundle that vouches
// for it.
func newIdentity(t *testing.T) (*tls.Certificate, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pemOf(leaf)
}

// overMutualTLS is overTLS as somebody.
func (s *scene) overMutualTLS(port int, host string, identity *tls.Certificate) ask {
	return get(s.client(func(t *http.Transport) {
		t.TLSClientConfig.ServerName = host
		t.TLSClientConfig.Certificates = []tls.Certificate{*identity}
		t.DisableKeepAlives = true
	}), "https://"+s.at(port)+"/", host)
}

// mirrors is a server that is sent copies.
type mirrors struct {
	*httptest.Server
	mu  sync.Mutex
	got map[string]bool
}

func newMirrors(t *testing.T) *mirrors {
	m := &mirrors{got: make(map[string]bool)}
	m.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.got[r.URL.Path] = true
	}))
	t.Cleanup(m.Close)
	return m
}

func (m *mirrors) has(path string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.got[path]
}

// ask sends requests of its own; the answer is an error while no copies arrive.
func (m *mirrors) ask(s *scene, host string) ask {
	client, n := s.client(asIs), 0
	return func() (int, error) {
		n++
		path := fmt.Sprintf("/%d", n)
		status, err := get(client, "http://"+s.at(httpPort)+path, host)()
		if err != nil {
			return status, err
		}
		for range 50 {
			if m.has(path) {
				return status, nil
			}
			time.Sleep(10 * time.Millisecond)
		}
		return 0, errors.New("no copy arrived")
	}
}

// TestGrantsAreTakenAwayWhileTheyServe takes each grant away while requests go the
// way that it opens: they are served no more, those of another way all the time, and
// the grant that comes back opens it again.
func TestGrantsAreTakenAwayWhileTheyServe(t *testing.T) {
	world, copies := newScene(t), newMirrors(t)
	objects, identity := world.vault(t, copies.Listener.Addr().String())
	const anyHost = "any.example.com"
	all := []granted{
		{"backend of an HTTPRoute", "HTTPRoute", "Service", "web", "HTTPRoute shop/http", world.overHTTP(httpPort, "a.example.com"), 500},
		{"backend of a GRPCRoute", "GRPCRoute", "Service", "http2", "GRPCRoute shop/grpc", world.overGRPC("grpc.example.com"), 500},
		{"backend of a TLSRoute", "TLSRoute", "Service", "secure", "TLSRoute shop/tls", world.overTLS(passthroughPort, "tls.example.com"), 0},
		{"backend of a TCPRoute", "TCPRoute", "Service", "bytes", "TCPRoute shop/tcp", world.overTCP(tcpPort), 0},
		{"backend of a UDPRoute", "UDPRoute", "Service", "datagrams", "UDPRoute shop/udp", world.overUDP(udpPort), 0},
		{"mirror", "HTTPRoute", "Service", "mirror", "HTTPRoute shop/mirror", copies.ask(world, "mirror.example.com"), 0},
		{"authorization", "HTTPRoute", "Service", "auth", "HTTPRoute shop/auth", world.overHTTP(httpPort, "auth.example.com"), 500},
		{"authorization of a listener", "Gateway", "Service", "listener-auth", "Gateway shop/web", world.overHTTP(askingPort, anyHost), 500},
		{"authorization of a ListenerSet's listener", "ListenerSet", "Service", "set-auth", "ListenerSet shop/more", world.overHTTP(setAskingPort, anyHost), 500},
		{"certificate", "Gateway", "Secret", "cert", "Gateway shop/web", world.overTLS(httpsPort, anyHost), 0},
		{"certificate of a ListenerSet", "ListenerSet", "Secret", "set-cert", "ListenerSet shop/more", world.overTLS(setHTTPSPort, anyHost), 0},
		{"authority of clients", "Gateway", "ConfigMap", "clients", "Gateway shop/web", world.overMutualTLS(victimHTTPSPort, anyHost, identity), 0},
	}
	for _, g := range all {
		objects[g.file()] = g.grant()
	}
	s := start(t, objects)
	for _, g := range all {
		t.Run(g.name, func(t *testing.T) {
			s.t = t
			s.wants(g.ask, http.StatusOK)
			beside := newWitness("another way", s.hears(world.overHTTP(httpPort, "own.example.com")))
			s.write(g.file(), "")
			s.until(g.told+" is told", func(f facts) bool { return f.told(g.told, "RefNotPermitted") })
			s.wants(g.ask, g.status)
			s.write(g.file(), g.grant())
			s.until(g.told+" is mended", func(f facts) bool { return !f.told(g.told, "RefNotPermitted") })
			s.wants(g.ask, http.StatusOK)
			beside.dismiss(t)
		})
	}
	s.t = t
}
