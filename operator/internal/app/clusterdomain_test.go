package app

import (
	"os"
	"path/filepath"
	"testing"
)

func TestSearchedDomain(t *testing.T) {
	for text, want := range map[string]string{
		"search fleetgate-system.svc.corp svc.corp corp\nnameserver 10.96.0.10\noptions ndots:5\n": "corp",
		"nameserver 10.96.0.10\nsearch\ta.svc.Cluster.Local. SVC.Cluster.Local. cluster.local.":    "cluster.local",
		"search svc.old old\nsearch a.svc.new svc.new new\n":                                       "new",
		"search svc.old old\nsearch example.com\n":                                                 "",
		"search example.com\n": "",
		"# search svc.corp\n":  "",
		"":                     "",
	} {
		if got := searchedDomain(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestReadClusterDomain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "resolv.conf")
	if got := readClusterDomain(file); got != "" {
		t.Errorf("without a file, got %q", got)
	}
	if err := os.WriteFile(file, []byte("search a.svc.corp svc.corp corp\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := readClusterDomain(file); got != "corp" {
		t.Errorf("got %q", got)
	}
}
