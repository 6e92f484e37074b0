package tlsconn

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"
)

// transfer moves what a has to send to b, in pieces of a random size up to max.
func transfer(a, b *Conn, max int) (moved int) {
	for {
		out := a.Output()
		if len(out) == 0 {
			return moved
		}
		n := min(len(out), 1+mathrand.IntN(max))
		b.Feed(out[:n])
		a.Flushed(n)
		moved += n
	}
}

// pair is two ends of one connection, both driven by this package.
type pair struct{ client, server *Conn }

func newPair(t testing.TB, client, server *tls.Config) *pair {
	t.Helper()
	p := &pair{NewClient(client), NewServer(server)}
	p.shake(t, 1<<16)
	return p
}

// shake has both ends agree, with pieces of up to max bytes.
func (p *pair) shake(t testing.TB, max int) {
	t.Helper()
	for clientDone, serverDone := false, false; !clientDone || !serverDone; {
		moved := transfer(p.client, p.server, max) + transfer(p.server, p.client, max)
		var clientErr, serverErr error
		clientDone, clientErr = p.client.Handshake()
		serverDone, serverErr = p.server.Handshake()
		if clientErr != nil || serverErr != nil {
			t.Fatalf("handshake: client %v, server %v", clientErr, serverErr)
		}
		if waiting := len(p.client.Output()) + len(p.server.Output()); moved+waiting == 0 && (!clientDone || !serverDone) {
			t.Fatal("the handshake does not go on")
		}
	}
	p.exchange()
}

func (p *pair) exchange() {
	for transfer(p.client, p.server, 1<<16)+transfer(p.server, p.client, 1<<16) > 0 {
	}
}

// readAll reads until the connection wants more, or ends.
func readAll(c *Conn) (data []byte, err error) {
	buf := make([]byte, 1000)
	for {
		n, err := c.Read(buf)
		data = append(data, buf[:n]...)
		if err != nil {
			return data, err
		}
	}
}

// identity is a certificate authority's certificate with leaves for both ends.
type identity struct {
	pool           *x509.CertPool
	server, client tls.Certificate
}

var identities = sync.OnceValue(func() map[string]*identity {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return map[string]*identity{"RSA": newIdentity(rsaKey), "ECDSA": newIdentity(ecKey)}
})

func newIdentity(key crypto.Signer) *identity {
	id := &identity{pool: x509.NewCertPool()}
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	ca.Subject.CommonName = "authority"
	parsed, err := x509.ParseCertificate(sign(ca, ca, key))
	if err != nil {
		panic(err)
	}
	id.pool.AddCert(parsed)
	leaf := func(usage x509.ExtKeyUsage) tls.Certificate {
		template := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: ca.NotBefore, NotAfter: ca.NotAfter,
			DNSNames: []string{"example.com"}, ExtKeyUsage: []x509.ExtKeyUsage{usage}}
		template.Subject.CommonName = "leaf"
		return tls.Certificate{Certificate: [][]byte{sign(template, parsed, key)}, PrivateKey: key}
	}
	id.server, id.client = leaf(x509.ExtKeyUsageServerAuth), leaf(x509.ExtKeyUsageClientAuth)
	return id
}

func sign(template, parent *x509.Certificate, key crypto.Signer) []byte {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), key)
	if err != nil {
		panic(err)
	}
	return der
}

// configs are those of both ends for the given kind of key and TLS version.
func configs(key string, version uint16) (client, server *tls.Config) {
	id := identities()[key]
	client = &tls.Config{ServerName: "example.com", RootCAs: id.pool, MinVersion: version, MaxVersion: version,
		ClientSessionCache: tls.NewLRUClientSessionCache(8)}
	server = &tls.Config{Certificates: []tls.Certificate{id.server}, MinVersion: version, MaxVersion: version, ClientCAs: id.pool}
	return client, server
}

// serve drives c over nc from one goroutine, as a portable driver does: chunks
// bounds how much is fed at once. handle is called whenever something changed.
func serve(c *Conn, nc net.Conn, chunk int, handle func() (done bool)) {
	arrived := make(chan []byte)
	stop := make(chan struct{})
	defer close(stop)
	go receive(nc, chunk, arrived, stop)
	for {
		done := handle()
		if out := c.Output(); len(out) > 0 {
			if _, err := nc.Write(out); err != nil {
				return
			}
			c.Flushed(len(out))
		}
		if done {
			return
		}
		p, ok := <-arrived
		if !ok {
			c.FeedEOF()
			arrived = nil
		}
		c.Feed(p)
	}
}

func receive(nc net.Conn, chunk int, to chan<- []byte, stop <-chan struct{}) {
	defer close(to)
	for {
		p := make([]byte, 1+mathrand.IntN(chunk))
		n, err := nc.Read(p)
		if n > 0 {
			select {
			case to <- p[:n]:
			case <-stop:
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// connected returns the two ends of a connection on loopback. Unlike a net.Pipe
// it has room for what both ends send at once, as TLS needs.
func connected(t *testing.T) (a, b net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if a, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if b, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}
