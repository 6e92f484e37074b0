package main

import (
	"os"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/fleetgate/fleetgate/test/bundle/olm"
)

// root is the repository's.
const root = "../.."

const csvFile = "manifests/fleetgate.clusterserviceversion.yaml"

// committed returns the files of the bundle in the repository.
func committed(t *testing.T) map[string][]byte {
	t.Helper()
	files, err := load(root + "/bundle")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("there is no bundle; run make bundle")
	}
	return files
}

// committedCSV returns its ClusterServiceVersion.
func committedCSV(t *testing.T) olm.ClusterServiceVersion {
	t.Helper()
	var csv olm.ClusterServiceVersion
	decodeFile(t, committed(t), csvFile, &csv)
	return csv
}

func decodeFile(t *testing.T, files map[string][]byte, name string, into any) {
	t.Helper()
	content, ok := files[name]
	if !ok {
		t.Fatalf("the bundle has no %s", name)
	}
	if err := yaml.UnmarshalStrict(content, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// configFile decodes a file of config/ that holds one object, or the last of
// several.
func configFile(t *testing.T, name string, into any) {
	t.Helper()
	content, err := os.ReadFile(root + "/config/" + name)
	if err != nil {
		t.Fatal(err)
	}
	documents := strings.Split(string(content), "\n---\n")
	if err := yaml.UnmarshalStrict([]byte(documents[len(documents)-1]), into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}
