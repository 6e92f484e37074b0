package main

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What this bundle says of itself, beyond what package check asks of any.

func TestDescription(t *testing.T) {
	s := committedCSV(t).Spec
	for _, heading := range []string{"Features", "Prerequisites", "First Gateway", "Upgrade", "Limits", "Uninstall"} {
		if !strings.Contains(s.Description, "\n## "+heading+"\n") {
			t.Errorf("the description has no heading %q", heading)
		}
	}
	// A warning of the object validator is explained there.
	if !strings.Contains(s.Description, "PodDisruptionBudgets cover its own proxies") {
		t.Error("the description does not say what PodDisruptionBudgets are written for")
	}
	// The CRDs are not installed by us, and the class is not in the bundle.
	for _, prerequisite := range []string{"CRDs of the Gateway API, v1.7.0", "kind: GatewayClass", "fleetgate-metrics-reader"} {
		if !strings.Contains(s.Description, prerequisite) {
			t.Errorf("the description does not speak of %q", prerequisite)
		}
	}
}

func TestIcon(t *testing.T) {
	got, err := base64.StdEncoding.DecodeString(committedCSV(t).Spec.Icon[0].Base64Data)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(root + "/config/manifests/bases/icon.svg")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("the icon is not config/manifests/bases/icon.svg")
	}
	var picture struct {
		XMLName xml.Name `xml:"http://www.w3.org/2000/svg svg"`
		Width   int      `xml:"width,attr"`
		Height  int      `xml:"height,attr"`
	}
	if err := xml.Unmarshal(got, &picture); err != nil {
		t.Fatal(err)
	}
	if picture.Width < 1 || picture.Width > 80 || picture.Height < 1 || picture.Height > 40 {
		t.Errorf("the icon is %dx%d, want at most 80x40", picture.Width, picture.Height)
	}
}

func TestWhereItRuns(t *testing.T) {
	csv := committedCSV(t)
	a := csv.Metadata.Annotations
	template := a["operatorframework.io/suggested-namespace-template"]
	if a["operatorframework.io/suggested-namespace"] != "fleetgate-system" || !strings.Contains(template, `"pod-security.kubernetes.io/enforce":"restricted"`) {
		t.Errorf("the suggested namespace is %s", template)
	}
	// An architecture that is not named here is not offered.
	want := map[string]string{
		"operatorframework.io/arch.amd64": "supported", "operatorframework.io/arch.arm64": "supported", "operatorframework.io/os.linux": "supported",
	}
	if diff := cmp.Diff(want, csv.Metadata.Labels); diff != "" {
		t.Errorf("labels (-want +got)\n%s", diff)
	}
	got := map[string]bool{}
	for _, m := range csv.Spec.InstallModes {
		got[m.Type] = m.Supported
	}
	modes := map[string]bool{"OwnNamespace": true, "SingleNamespace": true, "MultiNamespace": true, "AllNamespaces": true}
	if diff := cmp.Diff(modes, got); diff != "" {
		t.Errorf("install modes (-want +got)\n%s", diff)
	}
}

// A mirror that has these three has all that Fleetgate runs.
func TestImages(t *testing.T) {
	var names []string
	for _, i := range committedCSV(t).Spec.RelatedImages {
		names = append(names, i.Name)
	}
	if want := []string{"manager", "proxy", "sensor"}; !slices.Equal(names, want) {
		t.Errorf("related images are %v, want %v", names, want)
	}
}
