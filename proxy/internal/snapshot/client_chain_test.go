package snapshot

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"
	"time"
)

// link is a certificate of a chain with its key.
type link struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// certify makes a certificate that the link has issued, or itself if it is nil.
func (l *link) certify(t *testing.T, name string, usage x509.ExtKeyUsage, until time.Time) *link {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: until,
		IsCA: true, BasicConstraintsValid: true, ExtKeyUsage: []x509.ExtKeyUsage{usage},
	}
	issuer := l
	if issuer == nil {
		issuer = &link{template, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer.cert, &key.PublicKey, issuer.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &link{cert, key}
}

// A client is let in by a chain to an authority, for as long as it holds and is
// no longer than any chain needs to be.
func TestClientChains(t *testing.T) {
	later := time.Now().Add(time.Hour)
	root := (*link)(nil).certify(t, "root", x509.ExtKeyUsageAny, later)
	other := (*link)(nil).certify(t, "other", x509.ExtKeyUsageAny, later)
	between := root.certify(t, "between", x509.ExtKeyUsageAny, later)
	client := between.certify(t, "client", x509.ExtKeyUsageClientAuth, later)
	roots := x509.NewCertPool()
	roots.AddCert(root.cert)
	verify := clientVerifier(roots)
	for name, test := range map[string]struct {
		chain []*link
		want  bool
	}{
		"direct":        {[]*link{root.certify(t, "client", x509.ExtKeyUsageClientAuth, later)}, true},
		"a chain":       {[]*link{client, between}, true},
		"with more":     {[]*link{client, other, between, root, other}, true},
		"with too many": {[]*link{client, between, other, other, other, other}, false},
		"a gap":         {[]*link{client}, false},
		"another root":  {[]*link{other.certify(t, "client", x509.ExtKeyUsageClientAuth, later), other}, false},
		"expired":       {[]*link{root.certify(t, "client", x509.ExtKeyUsageClientAuth, time.Now().Add(-time.Minute))}, false},
		"of a server":   {[]*link{root.certify(t, "client", x509.ExtKeyUsageServerAuth, later)}, false},
		"none":          {nil, false},
	} {
		var raw [][]byte
		for _, l := range test.chain {
			raw = append(raw, l.cert.Raw)
		}
		if err := verify(raw, nil); (err == nil) != test.want {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if err := verify([][]byte{[]byte("no certificate")}, nil); err == nil {
		t.Error("what is no certificate lets in")
	}
}
