package proxyconfig

import (
	"slices"
	"strings"
	"testing"
)

func TestValidateTracing(t *testing.T) {
	sound := func() *Tracing { return sampleConfig().Tracing }
	tests := []struct {
		name   string
		change func(*Tracing)
		want   string
	}{
		{"sound", func(*Tracing) {}, ""},
		{"none of the requests", func(c *Tracing) { c.Sampling = Fraction{0, 1} }, ""},
		{"no collector", func(c *Tracing) { c.Collector = "" }, "needed"},
		{"no service name", func(c *Tracing) { c.ServiceName = "" }, "needed"},
		{"more than all", func(c *Tracing) { c.Sampling = Fraction{2, 1} }, "no share"},
		{"no denominator", func(c *Tracing) { c.ParentSampling = &Fraction{} }, "no share"},
		{"attribute without a source", func(c *Tracing) { c.Attributes[0].Literal = "" }, "one source"},
		{"attribute with two", func(c *Tracing) { c.Attributes[0].Key = "url.path" }, "one source"},
		{"attribute without a name", func(c *Tracing) { c.Attributes[0].Name = "" }, "one source"},
		{"credentials", func(c *Tracing) { c.Attributes[1].Header = "AUTHORIZATION" }, "credentials"},
		{"unknown key", func(c *Tracing) { c.Attributes[2].Key = "url.fragment" }, "not known"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := &Config{Tracing: sound()}
			test.change(c.Tracing)
			refused := Validate(c)
			if test.want == "" && len(refused) > 0 {
				t.Errorf("got %v, want nothing refused", refused)
			}
			if test.want != "" && (len(refused) != 1 || refused[0].Kind != KindTracing || !strings.Contains(refused[0].Reason, test.want)) {
				t.Errorf("got %v, want one refusal with %q", refused, test.want)
			}
		})
	}
}

func TestSpanKeysAreSorted(t *testing.T) {
	if !slices.IsSorted(SpanKeys()) {
		t.Errorf("got %v", SpanKeys())
	}
}

// Requests are served as they should be without it.
func TestTracingNeedsNoFeature(t *testing.T) {
	c := sampleConfig()
	with := Features(c)
	c.Tracing = nil
	if without := Features(c); !slices.Equal(with, without) {
		t.Errorf("got %v with and %v without", with, without)
	}
}
