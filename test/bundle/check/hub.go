package check

import (
	"encoding/base64"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"
)

var (
	capabilities = []string{"Basic Install", "Seamless Upgrades", "Full Lifecycle", "Deep Insights", "Auto Pilot"}
	// categories are those that both the hub's validator and its pipeline know.
	categories = []string{
		"AI/Machine Learning", "Application Runtime", "Big Data", "Cloud Provider", "Database", "Developer Tools", "Integration & Delivery",
		"Logging & Tracing", "Modernization & Migration", "Monitoring", "Networking", "OpenShift Optional", "Security", "Storage", "Streaming & Messaging",
	}
	pictures = []string{"image/gif", "image/jpeg", "image/png", "image/svg+xml"}
	// levels are the words for maturity.
	levels = []string{"planning", "pre-alpha", "alpha", "beta", "stable", "mature", "inactive", "deprecated"}
)

// checkHub is what OperatorHub and the pipeline of its catalog want to show.
func (b *bundle) checkHub(r *report) {
	s := &b.csv.Spec
	if n := len(s.DisplayName); n < 3 || n > 50 {
		r.error("hub/display-name", "%q has %d characters, not 3 to 50", s.DisplayName, n)
	}
	if len(s.Description) < 20 {
		r.error("hub/description", "%q is short", s.Description)
	}
	if !semver.MatchString(s.Version) {
		r.error("hub/version", "%q is no semantic version", s.Version)
	}
	if len(s.Provider.Name) < 3 {
		r.error("hub/provider", "%q", s.Provider.Name)
	}
	if !slices.Contains(levels, s.Maturity) {
		r.error("hub/maturity", "%q", s.Maturity)
	}
	b.checkPeople(r)
	b.checkIcon(r)
	b.checkAnnotations(r)
}

func (b *bundle) checkPeople(r *report) {
	s := &b.csv.Spec
	if len(s.Maintainers) == 0 {
		r.error("hub/maintainers", "there are none")
	}
	for _, m := range s.Maintainers {
		if address, err := mail.ParseAddress(m.Email); m.Name == "" || err != nil || address.Address != m.Email {
			r.error("hub/maintainers", "%+v", m)
		}
	}
	if len(s.Links) == 0 {
		r.error("hub/links", "there are none")
	}
	for _, l := range s.Links {
		if u, err := url.Parse(l.URL); l.Name == "" || err != nil || u.Scheme != "https" || u.Host == "" {
			r.error("hub/links", "%+v", l)
		}
	}
	if len(s.Keywords) == 0 {
		r.warn("hub/keywords", "there are none")
	}
}

func (b *bundle) checkIcon(r *report) {
	icons := b.csv.Spec.Icon
	if len(icons) != 1 {
		r.error("hub/icon", "%d icons, want 1", len(icons))
		return
	}
	content, err := base64.StdEncoding.DecodeString(icons[0].Base64Data)
	if err != nil || len(content) == 0 || !slices.Contains(pictures, icons[0].MediaType) {
		r.error("hub/icon", "%d bytes of %q: %v", len(content), icons[0].MediaType, err)
	}
}

func (b *bundle) checkAnnotations(r *report) {
	a := b.csv.Metadata.Annotations
	if v, ok := a["capabilities"]; !ok {
		r.warn("hub/annotations", "there is no capabilities")
	} else if !slices.Contains(capabilities, v) {
		r.error("capabilities/level", "%q", v)
	}
	for c := range strings.SplitSeq(a["categories"], ",") {
		if !slices.Contains(categories, strings.TrimSpace(c)) {
			r.error("categories/known", "%q", c)
		}
	}
	https := func(v string) bool { return strings.HasPrefix(v, "https://") }
	for _, w := range []struct {
		key   string
		valid func(string) bool
	}{
		{"containerImage", reference.MatchString},
		{"createdAt", func(v string) bool { _, err := time.Parse(time.RFC3339, v); return err == nil }},
		{"repository", https},
		{"support", func(v string) bool { return v != "" }},
		// The hub shows no more than the first 135 characters.
		{"description", func(v string) bool { return len(v) >= 10 && len(v) <= 135 }},
	} {
		if v := a[w.key]; !w.valid(v) {
			r.warn("hub/annotations", "%s is %q", w.key, v)
		}
	}
}
