package configsource

import (
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/internal/selfsigned"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
)

// pairUntil is a key pair of shop.example.com that is valid until then.
func pairUntil(t *testing.T, until time.Time) snapshot.KeyPair {
	t.Helper()
	certificate, private := selfsigned.Pair(t, &x509.Certificate{DNSNames: []string{"shop.example.com"}, NotAfter: until})
	return snapshot.KeyPair{Certificate: certificate, Key: private}
}

// secured encodes a configuration whose listener names a key pair.
func secured(t *testing.T, revision int64, pair *snapshot.KeyPair) []byte {
	t.Helper()
	config := &proxyconfig.Config{Listeners: []proxyconfig.Listener{{
		Name: "https", Port: 443, Protocol: proxyconfig.HTTPS, Certificates: []proxyconfig.CertificateRef{{Key: "shop", SHA256: pair.Hash()}},
	}}}
	data, _, err := proxyconfig.Encode(proxyconfig.Gateway{Namespace: "ns", Name: "gw", UID: ownUID}, revision, config)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// A configuration and its certificates come by two ways, and whichever is first, what
// serves in the end is what both say.
func TestCertificatesMayComeAfterTheConfigurationThatNamesThem(t *testing.T) {
	s := newStory(t)
	begun := time.Now().Truncate(time.Second).UTC()
	var have map[string]snapshot.KeyPair
	for revision := int64(1); revision <= 3; revision++ {
		until := begun.Add(time.Duration(revision) * time.Hour)
		pair := pairUntil(t, until)
		o := Observation{Source: Watch, Document: secured(t, revision, &pair), Certificates: have}
		s.c.Observe(o)
		if refused := s.c.Report().Refused; len(refused) == 0 || !strings.HasPrefix(refused[0].Reason, "shop: ") {
			t.Errorf("revision %d without its certificate: refused are %v", revision, refused)
		}
		have = map[string]snapshot.KeyPair{"shop": pair}
		o.Certificates = have
		s.c.Observe(o)
		status := s.c.Status()
		if refused := s.c.Report().Refused; len(refused) > 0 {
			t.Errorf("revision %d with its certificate: refused are %v", revision, refused)
		}
		if expiries := status.Snapshot.Expiries; len(expiries) != 1 || !expiries[0].At.Equal(until) {
			t.Errorf("revision %d serves %v, want the certificate until %v", revision, expiries, until)
		}
	}
}

func TestCertificatesPreferTheRenderedOne(t *testing.T) {
	pair := func(text string) snapshot.KeyPair { return snapshot.KeyPair{Certificate: []byte(text)} }
	hash := func(text string) string { p := pair(text); return p.Hash() }
	c := &certificates{byLane: map[Source]map[string]snapshot.KeyPair{
		Watch: {"both": pair("watched"), "watched": pair("w")},
		Mount: {"both": pair("mounted"), "mounted": pair("m")},
	}}
	for _, test := range []struct{ key, hash, want string }{
		{"both", hash("watched"), "watched"},
		{"both", hash("mounted"), "mounted"},
		{"both", hash("neither"), "watched"},
		{"watched", "", "w"},
		{"mounted", "", "m"},
		{"none", "", ""},
	} {
		got, ok := c.Find(proxyconfig.CertificateRef{Key: test.key, SHA256: test.hash})
		if string(got.Certificate) != test.want || ok != (test.want != "") {
			t.Errorf("%+v: got %q, %v", test, got.Certificate, ok)
		}
	}
}
