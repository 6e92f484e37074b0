package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"net/mail"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/validation"
)

// The rules of the ClusterServiceVersion: those of OLM itself, of the hub, and
// what is good practice.

func TestIdentity(t *testing.T) {
	csv := committedCSV(t)
	if csv.APIVersion != "operators.coreos.com/v1alpha1" || csv.Kind != "ClusterServiceVersion" {
		t.Errorf("%s %s", csv.APIVersion, csv.Kind)
	}
	name := csv.Metadata.Name
	if problems := slices.Concat(validation.IsDNS1123Subdomain(name), validation.IsValidLabelValue(name)); len(problems) > 0 {
		t.Errorf("name %q: %v", name, problems)
	}
	if name != "fleetgate.v"+csv.Spec.Version || !semver.MatchString(csv.Spec.Version) {
		t.Errorf("name %q, version %q", name, csv.Spec.Version)
	}
	if !regexp.MustCompile(`^1\.\d+\.\d+$`).MatchString(csv.Spec.MinKubeVersion) {
		t.Errorf("minKubeVersion %q", csv.Spec.MinKubeVersion)
	}
	if !slices.Contains([]string{"planning", "pre-alpha", "alpha", "beta", "stable", "mature", "inactive", "deprecated"}, csv.Spec.Maturity) {
		t.Errorf("maturity %q", csv.Spec.Maturity)
	}
}

func TestWhatTheHubShows(t *testing.T) {
	s := committedCSV(t).Spec
	if n := len(s.DisplayName); n < 3 || n > 50 {
		t.Errorf("displayName %q", s.DisplayName)
	}
	for _, heading := range []string{"Prerequisites", "First Gateway", "Limits", "Uninstall"} {
		if !strings.Contains(s.Description, "\n## "+heading+"\n") {
			t.Errorf("the description has no heading %q", heading)
		}
	}
	if len(s.Provider.Name) < 3 || len(s.Keywords) == 0 || len(s.Maintainers) == 0 || len(s.Links) == 0 {
		t.Error("provider, keywords, maintainers or links are missing")
	}
	for _, m := range s.Maintainers {
		if address, err := mail.ParseAddress(m.Email); m.Name == "" || err != nil || address.Address != m.Email {
			t.Errorf("maintainer %+v: %v", m, err)
		}
	}
	for _, l := range append(s.Links, Link(s.Provider)) {
		if u, err := url.Parse(l.URL); l.Name == "" || err != nil || u.Scheme != "https" || u.Host == "" {
			t.Errorf("link %+v: %v", l, err)
		}
	}
}

func TestIcon(t *testing.T) {
	icons := committedCSV(t).Spec.Icon
	if len(icons) != 1 || icons[0].MediaType != "image/svg+xml" {
		t.Fatalf("icons %+v, want one SVG", icons)
	}
	got, err := base64.StdEncoding.DecodeString(icons[0].Base64Data)
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

func TestAnnotationsOfTheCSV(t *testing.T) {
	csv := committedCSV(t)
	a := csv.Metadata.Annotations
	for key, valid := range map[string]func(string) bool{
		"capabilities": func(v string) bool {
			return slices.Contains([]string{"Basic Install", "Seamless Upgrades", "Full Lifecycle", "Deep Insights", "Auto Pilot"}, v)
		},
		"categories": func(v string) bool { return v == "Networking" },
		"containerImage": func(v string) bool {
			return v == csv.Spec.Install.Spec.Deployments[0].Spec.Template.Spec.Containers[0].Image
		},
		"createdAt":  func(v string) bool { _, err := time.Parse(time.RFC3339, v); return err == nil },
		"repository": func(v string) bool { return strings.HasPrefix(v, "https://") },
		"support":    func(v string) bool { return v != "" },
		// The hub shows the first 135 characters.
		"description":  func(v string) bool { return len(v) >= 10 && len(v) <= 135 },
		"alm-examples": func(v string) bool { return json.Valid([]byte(v)) },
		"operatorframework.io/suggested-namespace": func(v string) bool { return v == "fleetgate-system" },
		"operatorframework.io/suggested-namespace-template": func(v string) bool {
			return strings.Contains(v, `"pod-security.kubernetes.io/enforce":"restricted"`)
		},
	} {
		if v, ok := a[key]; !ok || !valid(v) {
			t.Errorf("%s is %q", key, v)
		}
	}
	// An architecture that is not named here is not offered.
	want := map[string]string{"operatorframework.io/arch.amd64": "supported", "operatorframework.io/os.linux": "supported"}
	if diff := cmp.Diff(want, csv.Metadata.Labels); diff != "" {
		t.Errorf("labels (-want +got)\n%s", diff)
	}
}

// All four are listed, once each. OLM v1 takes no operator that cannot serve
// all namespaces.
func TestInstallModes(t *testing.T) {
	got := map[string]bool{}
	for _, m := range committedCSV(t).Spec.InstallModes {
		if _, twice := got[m.Type]; twice {
			t.Errorf("%s is listed twice", m.Type)
		}
		got[m.Type] = m.Supported
	}
	want := map[string]bool{"OwnNamespace": true, "SingleNamespace": true, "MultiNamespace": true, "AllNamespaces": true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("install modes (-want +got)\n%s", diff)
	}
}

func TestImages(t *testing.T) {
	csv := committedCSV(t)
	listed := map[string]bool{}
	reference := regexp.MustCompile(`^[a-z0-9.-]+\.[a-z]+(:\d+)?(/[a-z0-9._-]+)+(:[\w.-]+|@sha256:[0-9a-f]{64})$`)
	for _, i := range csv.Spec.RelatedImages {
		if i.Name == "" || !reference.MatchString(i.Image) || strings.HasSuffix(i.Image, ":latest") {
			t.Errorf("related image %+v", i)
		}
		listed[i.Image] = true
	}
	for _, d := range csv.Spec.Install.Spec.Deployments {
		for _, c := range d.Spec.Template.Spec.Containers {
			used := []string{c.Image}
			for _, e := range c.Env {
				if strings.HasPrefix(e.Name, relatedImage) {
					used = append(used, e.Value)
				}
			}
			if len(used) != 3 {
				t.Errorf("%s uses %v, want operator, proxy and sensor", c.Name, used)
			}
			for _, image := range used {
				if !listed[image] {
					t.Errorf("%s is not among the related images", image)
				}
			}
		}
	}
}
