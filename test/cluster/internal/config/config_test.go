package config

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/fleetgate/fleetgate/test/cluster/internal/layout"
)

func TestRenderedFiles(t *testing.T) {
	files, err := Render()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"cni/10-pods.conflist", "containerd.toml", "kube-proxy.yaml", "kubelet.yaml", "manifests/coredns.yaml"}
	if got := slices.Sorted(maps.Keys(files)); !slices.Equal(got, want) {
		t.Errorf("got files %v, want %v", got, want)
	}
	for name, content := range files {
		if bytes.Contains(content, []byte("{{")) || bytes.Contains(content, []byte("no value")) {
			t.Errorf("%s is not rendered whole:\n%s", name, content)
		}
	}
}

func TestRenderedFilesParse(t *testing.T) {
	files, err := Render()
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		var err error
		switch filepath.Ext(name) {
		case ".conflist":
			err = json.Unmarshal(content, &map[string]any{})
		case ".yaml":
			for document := range bytes.SplitSeq(content, []byte("\n---\n")) {
				if err == nil {
					err = yaml.UnmarshalStrict(document, &map[string]any{})
				}
			}
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Each of these numbers stands in two places that must agree.
func TestRenderedValues(t *testing.T) {
	files, err := Render()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ file, want string }{
		{"containerd.toml", `address = "` + layout.ContainerdSocket + `"`},
		{"containerd.toml", `sandbox = "` + PauseImage + `"`},
		{"containerd.toml", `BinaryName = "` + layout.InBin + `/runc"`},
		{"kubelet.yaml", "containerRuntimeEndpoint: unix://" + layout.ContainerdSocket},
		{"kubelet.yaml", "clusterDNS: [" + layout.DNSIP + "]"},
		{"kube-proxy.yaml", "clusterCIDR: " + layout.PodNet},
		{"cni/10-pods.conflist", `"subnet": "` + layout.PodNet + `"`},
		{"manifests/coredns.yaml", "clusterIP: " + layout.DNSIP},
		{"manifests/coredns.yaml", "image: " + DNSImage},
		{"manifests/coredns.yaml", "kubernetes " + layout.ClusterDomain + " " + layout.OutsideDomain},
	} {
		if !strings.Contains(string(files[test.file]), test.want) {
			t.Errorf("%s does not hold %q", test.file, test.want)
		}
	}
}

func TestWrite(t *testing.T) {
	folder := t.TempDir()
	if err := Write(folder); err != nil {
		t.Fatal(err)
	}
	files, err := Render()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Error(err)
		} else if !bytes.Equal(got, want) {
			t.Errorf("%s differs from what was rendered", name)
		}
	}
}
