package snapshot

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
)

// sealed has one pair for every reference, or none.
type sealed struct{ text string }

func (s sealed) Find(proxyconfig.CertificateRef) (KeyPair, bool) {
	return KeyPair{Key: PrivateKey(s.text)}, s.text != ""
}

func tracedConfig() *proxyconfig.Config {
	return &proxyconfig.Config{
		Listeners: []proxyconfig.Listener{{Name: "http", Port: 80, Protocol: proxyconfig.HTTP}},
		Backends: []proxyconfig.Backend{{ID: "mon/c:4317", Namespace: "mon", Service: "c", Port: 4317, Protocol: proxyconfig.BackendHTTP2,
			Endpoints: []proxyconfig.Endpoint{{Address: "10.0.0.1", Port: 4317}}}},
		Tracing: &proxyconfig.Tracing{
			Collector: "mon/c:4317", Authority: "c.mon", ServiceName: "edge", Sampling: proxyconfig.Fraction{Numerator: 1, Denominator: 1},
			Headers: &proxyconfig.CertificateRef{Key: "headers"},
		},
	}
}

const someHeaders = `[{"name":"X-Key","value":"opensesame"}]`

func TestWhatCannotBeTracedIsServed(t *testing.T) {
	tests := []struct {
		name   string
		change func(*proxyconfig.Config)
		sealed string
		want   string
	}{
		{"sound", func(*proxyconfig.Config) {}, someHeaders, ""},
		{"no tracing", func(c *proxyconfig.Config) { c.Tracing = nil }, "", ""},
		{"no headers needed", func(c *proxyconfig.Config) { c.Tracing.Headers = nil }, "", ""},
		{"headers that have not come", func(*proxyconfig.Config) {}, "", errNoHeaders.Error()},
		{"headers that make no sense", func(*proxyconfig.Config) {}, "opensesame", errBadHeaders.Error()},
		{"no such backend", func(c *proxyconfig.Config) { c.Tracing.Collector = "mon/d:4317" }, someHeaders, errNoCollector.Error()},
		{"no share", func(c *proxyconfig.Config) { c.Tracing.Sampling.Numerator = 2 }, someHeaders, "no share"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := tracedConfig()
			test.change(c)
			s, refused := Compile(Input{
				Document: &proxyconfig.Document{}, Config: c, Registry: balance.NewRegistry(balance.Options{}), Certificates: sealed{test.sealed},
			})
			if len(s.Ports) != 1 {
				t.Fatal("the port is not there")
			}
			traced := test.want == "" && c.Tracing != nil
			if (s.Spans != nil) != traced || (s.Ports[0].Tracing != nil) != traced {
				t.Errorf("traced %v, by the port %v", s.Spans, s.Ports[0].Tracing)
			}
			if test.want == "" && len(refused) > 0 || test.want != "" && (len(refused) != 1 || !strings.Contains(refused[0].Reason, test.want)) {
				t.Errorf("got %v, want %q", refused, test.want)
			}
			var headers SecretHeaders
			if s.Spans != nil {
				headers = s.Spans.Headers
			}
			asJSON, _ := json.Marshal(headers)
			if text := fmt.Sprintf("%v %+v %#v %s", refused, s.Spans, s.Spans, asJSON); strings.Contains(text, "opensesame") {
				t.Errorf("what is sealed is told: %s", text)
			}
		})
	}
}

// Spans go on over the same connection as long as nothing of it changes.
func TestSpansLiveOnAcrossSnapshots(t *testing.T) {
	registry := balance.NewRegistry(balance.Options{})
	compile := func(before *Snapshot, headers string, change func(*proxyconfig.Config)) *Snapshot {
		c := tracedConfig()
		change(c)
		s, _ := Compile(Input{Document: &proxyconfig.Document{}, Config: c, Registry: registry, Certificates: sealed{headers}, Previous: before})
		s.Commit()
		return s
	}
	asIs := func(*proxyconfig.Config) {}
	first := compile(nil, someHeaders, asIs)
	if second := compile(first, someHeaders, func(c *proxyconfig.Config) { c.Listeners[0].Port = 81 }); second.Spans != first.Spans {
		t.Error("another port makes them others")
	}
	if second := compile(first, strings.ToUpper(someHeaders), asIs); second.Spans == first.Spans {
		t.Error("other headers do not make them others")
	}
	if second := compile(first, someHeaders, func(c *proxyconfig.Config) { c.Tracing.SpanName = "x" }); second.Spans == first.Spans {
		t.Error("another name does not make them others")
	}
}
