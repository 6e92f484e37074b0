package pki

import (
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Options names the cluster's parts.
type Options struct {
	// Server is the API server's URL, as it goes into the kubeconfigs.
	Server string
	// NodeName and NodeIP are those of the only node.
	NodeName, NodeIP string
	// ServiceIP is that of the Service kubernetes.default.
	ServiceIP string
	// ClusterDomain ends all names of Services.
	ClusterDomain string
	// Now is the time from which the certificates count.
	Now time.Time
}

// Files maps names to contents. All of them are secrets.
type Files map[string][]byte

// New makes the files of a new cluster: for each certificate NAME.crt and
// NAME.key, for each identity NAME.conf (a kubeconfig), and sa.key and sa.pub
// for service account tokens.
func New(o Options) (Files, error) {
	root, err := newAuthority("fleetgate-test-cluster", o.Now)
	if err != nil {
		return nil, err
	}
	front, err := newAuthority("fleetgate-test-cluster-front-proxy", o.Now)
	if err != nil {
		return nil, err
	}
	files := Files{}
	files.addPair("ca", root.pair)
	files.addPair("front-proxy-ca", front.pair)
	if err := files.addCertificates(root, front, o); err != nil {
		return nil, err
	}
	if err := files.addKubeconfigs(root, o); err != nil {
		return nil, err
	}
	return files, files.addServiceAccountKey()
}

func (f Files) addPair(name string, p pair) {
	f[name+".crt"], f[name+".key"] = p.certificate, p.key
}

func (f Files) addCertificates(root, front *authority, o Options) error {
	for _, c := range []struct {
		name   string
		issuer *authority
		subject
	}{
		{"apiserver", root, subject{"kube-apiserver", "", []string{
			"127.0.0.1", o.NodeIP, o.ServiceIP, "localhost", o.NodeName,
			"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc." + o.ClusterDomain,
		}}},
		{"apiserver-kubelet", root, subject{"kube-apiserver-kubelet-client", "system:masters", nil}},
		{"kubelet-server", root, subject{"system:node:" + o.NodeName, "system:nodes", []string{"127.0.0.1", o.NodeIP, o.NodeName}}},
		{"front-proxy", front, subject{"front-proxy-client", "", nil}},
	} {
		p, err := c.issuer.issue(c.subject)
		if err != nil {
			return err
		}
		f.addPair(c.name, p)
	}
	return nil
}

// addKubeconfigs makes one identity for each component; what each may do is
// decided by the roles that Kubernetes itself binds to these names.
func (f Files) addKubeconfigs(root *authority, o Options) error {
	for _, c := range []struct {
		name string
		subject
	}{
		{"admin", subject{"admin", "system:masters", nil}},
		{"controller-manager", subject{"system:kube-controller-manager", "", nil}},
		{"scheduler", subject{"system:kube-scheduler", "", nil}},
		{"kubelet", subject{"system:node:" + o.NodeName, "system:nodes", nil}},
		{"proxy", subject{"system:kube-proxy", "", nil}},
	} {
		p, err := root.issue(c.subject)
		if err != nil {
			return err
		}
		f.addPair(c.name, p)
		config, err := kubeconfig(o.Server, root.certificate, p)
		if err != nil {
			return err
		}
		f[c.name+".conf"] = config
	}
	return nil
}

func (f Files) addServiceAccountKey() error {
	key, err := newKey()
	if err != nil {
		return err
	}
	private, err := encodeKey(key)
	if err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return fmt.Errorf("encoding the service account key: %w", err)
	}
	f["sa.key"], f["sa.pub"] = private, encode("PUBLIC KEY", public)
	return nil
}

// Write writes all files into the folder, readable by their owner only.
func (f Files) Write(folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("making the folder of keys: %w", err)
	}
	for name, content := range f {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
	}
	return nil
}
