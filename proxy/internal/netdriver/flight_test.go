package netdriver

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/proxy/internal/tlsconn"
)

func selfSigned(t *testing.T) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"a"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// The certificates of a client are not looked at if they are more than anybody has;
// what follows a handshake is not counted.
func TestClientsSendNoMoreThanAHandshakeNeeds(t *testing.T) {
	identity := selfSigned(t)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for certificates, well := range map[int]bool{1: true, 5: true, 200: false} {
			seen := 0
			config := &tls.Config{
				Certificates: []tls.Certificate{identity}, MaxVersion: version, ClientAuth: tls.RequireAnyClientCert,
				VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error { seen = len(raw); return nil },
			}
			own := identity
			own.Certificate = slices.Repeat(own.Certificate, certificates)
			near, far := net.Pipe()
			body := bytes.Repeat([]byte("x"), 2*tlsconn.MaxFlight)
			go func() {
				defer far.Close()
				c := tls.Client(far, &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{own}})
				// What cannot be written was refused, as the other side says.
				_, _ = c.Write(body)
			}()
			tc, err := Shake(near, NewGreeting(nil, time.Now(), time.Minute), config, (*tls.Conn).Handshake)
			switch {
			case !well:
				if !errors.Is(err, tlsconn.ErrFlood) || seen != 0 {
					t.Errorf("version %x with %d certificates: %v, and %d were seen", version, certificates, err, seen)
				}
			case err != nil || seen != certificates:
				t.Errorf("version %x with %d certificates: %v, and %d were seen", version, certificates, err, seen)
			default:
				got := make([]byte, len(body))
				if _, err := io.ReadFull(tc, got); err != nil || !bytes.Equal(got, body) {
					t.Errorf("version %x: what followed did not come: %v", version, err)
				}
			}
			near.Close()
		}
	}
}
