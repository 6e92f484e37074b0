package poison

import (
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/internal/long"
	"github.com/fleetgate/fleetgate/test/internal/edge"
)

func TestMain(m *testing.M) { edge.Main(m) }

// connectionsEach is how many connections each client has at a time by each way.
const connectionsEach = 2

func TestTwoClients(t *testing.T) {
	t.Run("HTTP1", func(t *testing.T) { twoClients(t, "Two clients on one pool", false) })
	t.Run("HTTP2", func(t *testing.T) { twoClients(t, "Two clients on one pool of HTTP2", true) })
}

// twoClients has two clients share the connections to one backend.
func twoClients(t *testing.T, name string, h2c bool) {
	n := int64(long.N(10_000, 1_000_000))
	plain, secure, config := startProxy(t, startBackend(t, h2c), h2c)
	all := ways(plain, secure, config)
	var done, unserved atomic.Int64
	byWay := make([]atomic.Int64, len(all))
	var wg sync.WaitGroup
	for i := range 2 * connectionsEach * len(all) {
		at := i / 2 % len(all)
		c := &client{name: fmt.Sprintf("%c%d", "AB"[i%2], i), dial: all[at].dial, random: rand.New(rand.NewPCG(1, uint64(i)))}
		if h2c {
			c.unserved = &unserved
		}
		wg.Go(func() {
			defer c.close()
			for done.Load() < n && !t.Failed() {
				made, err := c.do()
				if err != nil {
					t.Errorf("client %s by %s: %v", c.name, all[at].name, err)
				}
				done.Add(int64(made))
				byWay[at].Add(int64(made))
			}
		})
	}
	wg.Wait()
	if unserved.Load() > done.Load()/10 {
		t.Errorf("%d of %d requests unserved", unserved.Load(), done.Load())
	}
	var counts []string
	for i := range all {
		counts = append(counts, fmt.Sprintf("%d by %s", byWay[i].Load(), all[i].name))
	}
	long.Report(t, name, int(done.Load()), fmt.Sprintf("0 answers to another request, %d unserved (%s)", unserved.Load(), strings.Join(counts, ", ")))
}

// startProxy starts a proxy with a port for cleartext and one for TLS, both of
// which lead to the backend.
func startProxy(t *testing.T, backend string, h2c bool) (plain, secure string, config *tls.Config) {
	t.Helper()
	cert := edge.NewCertificate(t, "a", "a.example")
	c := edge.To(backend)
	if h2c {
		c.Backends[0].Protocol = proxyconfig.BackendHTTP2
	}
	c.Listeners = append(c.Listeners, proxyconfig.Listener{
		Name: "https", Protocol: proxyconfig.HTTPS, Certificates: []proxyconfig.CertificateRef{cert.Ref()},
	})
	c.Routes[0].Attachments = append(c.Routes[0].Attachments, proxyconfig.Attachment{Listener: "https", Hostnames: []string{""}})
	p := edge.Start(t, edge.Options{Config: c, Certificates: []edge.Certificate{cert}})
	return p.Addr("http"), p.Addr("https"), &tls.Config{RootCAs: cert.Pool(), ServerName: "a.example"}
}
