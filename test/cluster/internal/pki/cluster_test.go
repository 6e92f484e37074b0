package pki

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

var options = Options{
	Server: "https://192.0.2.1:6443", NodeName: "node1", NodeIP: "192.0.2.1", ServiceIP: "198.51.100.1",
	ClusterDomain: "cluster.local", Now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
}

func newFiles(t *testing.T) Files {
	t.Helper()
	files, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func certificate(t *testing.T, content []byte) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(content)
	if block == nil {
		t.Fatal("no PEM block")
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCertificatesAreTrustedForTheirNames(t *testing.T) {
	files := newFiles(t)
	for _, test := range []struct {
		name, authority string
		hosts           []string
	}{
		{"apiserver", "ca", []string{"192.0.2.1", "127.0.0.1", "198.51.100.1", "localhost", "node1", "kubernetes.default.svc.cluster.local"}},
		{"kubelet-server", "ca", []string{"192.0.2.1", "node1"}},
		{"apiserver-kubelet", "ca", nil},
		{"admin", "ca", nil},
		{"front-proxy", "front-proxy-ca", nil},
	} {
		roots := x509.NewCertPool()
		roots.AddCert(certificate(t, files[test.authority+".crt"]))
		c := certificate(t, files[test.name+".crt"])
		for _, host := range append(test.hosts, "") {
			_, err := c.Verify(x509.VerifyOptions{
				Roots: roots, DNSName: host, CurrentTime: options.Now,
				KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
			})
			if err != nil {
				t.Errorf("%s for %q: %v", test.name, host, err)
			}
		}
		if _, err := tls.X509KeyPair(files[test.name+".crt"], files[test.name+".key"]); err != nil {
			t.Errorf("%s: certificate and key do not match: %v", test.name, err)
		}
	}
}

// The two authorities must not be mixed up: whoever the front proxy's signs
// may claim to be anybody.
func TestFrontProxyIsNotTrustedAsClient(t *testing.T) {
	files := newFiles(t)
	roots := x509.NewCertPool()
	roots.AddCert(certificate(t, files["ca.crt"]))
	_, err := certificate(t, files["front-proxy.crt"]).Verify(x509.VerifyOptions{
		Roots: roots, CurrentTime: options.Now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err == nil {
		t.Error("the cluster's authority signed the front proxy's certificate")
	}
}

func TestSubjects(t *testing.T) {
	files := newFiles(t)
	for _, test := range []struct{ name, commonName, organization string }{
		{"admin", "admin", "system:masters"},
		{"kubelet", "system:node:node1", "system:nodes"},
		{"controller-manager", "system:kube-controller-manager", ""},
		{"scheduler", "system:kube-scheduler", ""},
		{"proxy", "system:kube-proxy", ""},
	} {
		s := certificate(t, files[test.name+".crt"]).Subject
		var organization string
		if len(s.Organization) > 0 {
			organization = s.Organization[0]
		}
		if s.CommonName != test.commonName || organization != test.organization {
			t.Errorf("%s: got %q in %q, want %q in %q", test.name, s.CommonName, organization, test.commonName, test.organization)
		}
	}
}

func TestKubeconfigHoldsItsIdentity(t *testing.T) {
	files := newFiles(t)
	var config struct {
		Clusters []struct {
			Cluster struct {
				Server    string `json:"server"`
				Authority []byte `json:"certificate-authority-data"`
			} `json:"cluster"`
		} `json:"clusters"`
		Users []struct {
			User struct {
				Certificate []byte `json:"client-certificate-data"`
				Key         []byte `json:"client-key-data"`
			} `json:"user"`
		} `json:"users"`
	}
	if err := json.Unmarshal(files["admin.conf"], &config); err != nil {
		t.Fatal(err)
	}
	if len(config.Clusters) != 1 || len(config.Users) != 1 {
		t.Fatalf("got %d clusters and %d users, want one of each", len(config.Clusters), len(config.Users))
	}
	if got := config.Clusters[0].Cluster; got.Server != options.Server || string(got.Authority) != string(files["ca.crt"]) {
		t.Error("server or authority differ")
	}
	if got := config.Users[0].User; string(got.Certificate) != string(files["admin.crt"]) || string(got.Key) != string(files["admin.key"]) {
		t.Error("the user's certificate or key differ")
	}
}

func TestKeysAreNewEachTime(t *testing.T) {
	a, b := newFiles(t), newFiles(t)
	for name := range a {
		if string(a[name]) == string(b[name]) {
			t.Errorf("%s is the same twice", name)
		}
	}
}

func TestWriteIsPrivate(t *testing.T) {
	files := newFiles(t)
	folder := filepath.Join(t.TempDir(), "pki")
	if err := files.Write(folder); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", e.Name(), info.Mode())
		}
	}
	if want := slices.Sorted(maps.Keys(files)); !slices.Equal(got, want) {
		t.Errorf("got files %v, want %v", got, want)
	}
}
