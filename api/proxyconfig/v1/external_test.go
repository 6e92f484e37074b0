package proxyconfig

import (
	"slices"
	"strings"
	"testing"
)

func TestExternalIsValidated(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Backend)
		want   string
	}{
		{"nothing wrong", func(*Backend) {}, ""},
		{"no hostname", func(b *Backend) { b.External.Hostname = "" }, `hostname "" is not a precise one`},
		{"wildcard", func(b *Backend) { b.External.Hostname = "*.example.net" }, `hostname "*.example.net" is not a precise one`},
		{"upper case", func(b *Backend) { b.External.Hostname = "API.example.net" }, `hostname "API.example.net" is not valid`},
		{"dot at the end", func(b *Backend) { b.External.Hostname = "example.net." }, `hostname "example.net." is not valid`},
		{"address", func(b *Backend) { b.External.Hostname = "10.0.0.1" }, `hostname "10.0.0.1" is an address`},
		{"endpoints beside it", func(b *Backend) { b.Endpoints = []Endpoint{{Address: "10.0.0.1", Port: 1}} }, "a backend with a hostname has no endpoints"},
		{"datagrams", func(b *Backend) { b.Protocol = BackendUDP }, `a backend of protocol "udp" has no hostname`},
		{"forbidden without a port", func(b *Backend) { b.External.Forbidden = []string{"10.0.0.1"} }, `forbidden address "10.0.0.1"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := &Backend{ID: "x", Port: 443, Protocol: BackendHTTP1, External: &External{Hostname: "api.example.net", Forbidden: []string{"[::1]:1"}}}
			test.change(b)
			got := ""
			if err := ValidateBackend(b); err != nil {
				got = err.Error()
			}
			if !strings.HasPrefix(got, test.want) || (got == "") != (test.want == "") {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestExternalHostnamesAreAFeature(t *testing.T) {
	c := sampleConfig()
	if !slices.Contains(Features(c), FeatureExternalHostnames) {
		t.Error("not asked for by a configuration that has one")
	}
	c.Backends = c.Backends[:1]
	if slices.Contains(Features(c), FeatureExternalHostnames) {
		t.Error("asked for by a configuration that has none")
	}
}
