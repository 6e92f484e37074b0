package proxyconfig

import (
	"slices"
	"strings"
	"testing"
)

// l4Config is a configuration of all that is below HTTP, and without fault.
func l4Config() *Config {
	certificate := []CertificateRef{{Key: "shop.edge-tls", SHA256: "aa11"}}
	trusted := &AcceptedProxyProtocol{TrustedSources: []string{"10.0.0.0/8", "fd00::/8"}}
	on := func(listener, host string) []Attachment {
		return []Attachment{{Listener: listener, Hostnames: []string{host}}}
	}
	to := func(id string) []Rule { return []Rule{{Backends: []BackendRef{{Backend: id, Weight: 1}}}} }
	return &Config{
		Listeners: []Listener{
			{Name: "dns", Port: 53, Protocol: UDP, Sessions: &SessionLimits{IdleMillis: 5000, Max: 1000}},
			{Name: "dns-tcp", Port: 53, Protocol: TCP},
			{Name: "pass", Port: 443, Protocol: TLS, TLSMode: TLSPassthrough, Hostname: "*.pass.example.com", ProxyProtocol: trusted},
			{Name: "raw", Port: 443, Protocol: TLS, TLSMode: TLSTerminate, Hostname: "raw.example.com", Certificates: certificate, ProxyProtocol: trusted},
			{Name: "web", Port: 443, Protocol: HTTPS, Certificates: certificate, ProxyProtocol: trusted},
		},
		Routes: []Route{
			{Kind: UDPRoute, Namespace: "shop", Name: "dns", Attachments: on("dns", ""), Rules: to("shop/dns:53/udp")},
			{Kind: TCPRoute, Namespace: "shop", Name: "dns", Attachments: on("dns-tcp", ""), Rules: to("shop/dns:53")},
			{Kind: TLSRoute, Namespace: "shop", Name: "pass", Attachments: on("pass", "a.pass.example.com"), Rules: to("shop/dns:53")},
		},
		Backends: []Backend{
			{ID: "shop/dns:53", Namespace: "shop", Service: "dns", Port: 53, Protocol: BackendTCP, ProxyProtocol: ProxyV2},
			{ID: "shop/dns:53/udp", Namespace: "shop", Service: "dns", Port: 53, Protocol: BackendUDP},
		},
	}
}

func TestValidateRefusesBelowHTTP(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"nothing", func(*Config) {}, ""},
		{"mode of an HTTPS listener", func(c *Config) { c.Listeners[4].TLSMode = TLSPassthrough }, "Listener web[0]: a listener of protocol HTTPS has no TLS mode"},
		{"no mode", func(c *Config) { c.Listeners[2].TLSMode = "" }, `Listener pass[0]: unknown TLS mode ""`},
		{"passthrough with a certificate", func(c *Config) { c.Listeners[2].Certificates = c.Listeners[3].Certificates }, "Listener pass[0]: a listener that passes TLS through"},
		{"termination without one", func(c *Config) { c.Listeners[3].Certificates = nil }, "Listener raw[0]: a listener that terminates TLS needs"},
		{"hostname of TCP", func(c *Config) { c.Listeners[1].Hostname = "a" }, "Listener dns-tcp[0]: a listener of protocol TCP has neither"},
		{"certificate of UDP", func(c *Config) { c.Listeners[0].Certificates = c.Listeners[3].Certificates }, "Listener dns[0]: a listener of protocol UDP has neither"},
		{"TCP beside TLS", func(c *Config) {
			c.Listeners[1].Port = 443
			c.Listeners = c.Listeners[:3]
		}, "Listener pass[0]: port 443 already speaks TCP"},
		{"HTTP beside TLS", func(c *Config) { c.Listeners[4].Protocol = HTTP }, "Listener web[0]: port 443 already speaks TLS"},
		{"server name twice", func(c *Config) { c.Listeners[4].Hostname = "raw.example.com" }, `Listener web[0]: listener "raw" has the same port and hostname`},
		{"PROXY on UDP", func(c *Config) { c.Listeners[0].ProxyProtocol = c.Listeners[2].ProxyProtocol }, "Listener dns[0]: a listener of protocol UDP has no PROXY"},
		{"PROXY on one of two", func(c *Config) { c.Listeners[4].ProxyProtocol = nil }, "Listener web[0]: other listeners of port 443 differ"},
		{"nobody is trusted", func(c *Config) { c.Listeners[1].ProxyProtocol = &AcceptedProxyProtocol{} }, "Listener dns-tcp[0]: the PROXY protocol has no trusted source"},
		{"trust in a name", func(c *Config) {
			c.Listeners[1].ProxyProtocol = &AcceptedProxyProtocol{TrustedSources: []string{"lb"}}
		}, "Listener dns-tcp[0]: trusted source: "},
		{"trust with host bits", func(c *Config) {
			c.Listeners[1].ProxyProtocol = &AcceptedProxyProtocol{TrustedSources: []string{"10.0.0.1/8"}}
		}, `Listener dns-tcp[0]: trusted source "10.0.0.1/8" is not`},
		{"sessions of HTTPS", func(c *Config) { c.Listeners[4].Sessions = &SessionLimits{} }, "Listener web[0]: a listener of protocol HTTPS has no limits of sessions"},
		{"idle for too short", func(c *Config) { c.Listeners[0].Sessions.IdleMillis = 99 }, "Listener dns[0]: idle time of sessions: 99 ms are less than 100"},
		{"idle for less than nothing", func(c *Config) { c.Listeners[0].Sessions.IdleMillis = -1 }, "Listener dns[0]: idle time of sessions: -1 ms are less than 100"},
		{"idle for too long", func(c *Config) { c.Listeners[0].Sessions.IdleMillis = maxMillis + 1 }, "Listener dns[0]: idle time of sessions: 86400001 ms are not in"},
		{"too many sessions", func(c *Config) { c.Listeners[0].Sessions.Max = 1_000_001 }, "Listener dns[0]: 1000001 sessions are not in"},
		{"less than no session", func(c *Config) { c.Listeners[0].Sessions.Max = -1 }, "Listener dns[0]: -1 sessions are not in"},
		{"PROXY to UDP", func(c *Config) {
			c.Backends[0].Protocol = BackendUDP
		}, `Backend shop/dns:53[0]: no PROXY protocol header is sent to backends of protocol "udp"`},
		{"version of PROXY", func(c *Config) { c.Backends[0].ProxyProtocol = "v3" }, `Backend shop/dns:53[0]: unknown version of the PROXY protocol "v3"`},
		{"TLS over UDP", func(c *Config) { c.Backends[1].TLS = &BackendTLS{} }, `Backend shop/dns:53/udp[0]: a backend of protocol "udp" has no TLS`},
		{"match", func(c *Config) { c.Routes[1].Rules[0].Matches = []Match{{Method: "GET"}} }, "Rule shop/dns[0]: a rule below HTTP has backends"},
		{"timeout", func(c *Config) { c.Routes[2].Rules[0].Timeouts = &Timeouts{} }, "Rule shop/pass[0]: a rule below HTTP has backends"},
		{"weight", func(c *Config) { c.Routes[2].Rules[0].Backends[0].Weight = -1 }, "Rule shop/pass[0]: weight -1"},
		{"filter of a backend", func(c *Config) {
			c.Routes[2].Rules[0].Backends[0].Filters = []Filter{{Type: FilterRewrite, Rewrite: &Rewrite{}}}
		}, "Rule shop/pass[0]: a backend reference below HTTP has no filters"},
		{"session of a backend", func(c *Config) {
			c.Routes[2].Rules[0].Backends[0].Session = &Session{Type: SessionCookie, Name: "s"}
		}, "Rule shop/pass[0]: a backend reference below HTTP has no sessions"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := l4Config()
			test.change(c)
			got := refusals(c)
			if !strings.HasPrefix(got, test.want) || (test.want == "") != (got == "") || strings.Count(got, "\n") > 1 {
				t.Errorf("got:\n%swant one line that begins with:\n%s", got, test.want)
			}
		})
	}
}

func TestListenersTakeRoutesOfTheirKind(t *testing.T) {
	c := l4Config()
	c.Listeners = append(c.Listeners, Listener{Name: "http", Port: 80, Protocol: HTTP})
	want := map[string]string{
		"dns": "UDPRoute", "dns-tcp": "TCPRoute", "pass": "TLSRoute", "raw": "TLSRoute TCPRoute",
		"web": "HTTPRoute GRPCRoute", "http": "HTTPRoute GRPCRoute",
	}
	for i := range c.Listeners {
		var takes []string
		for _, kind := range []string{TLSRoute, TCPRoute, UDPRoute, "HTTPRoute", "GRPCRoute"} {
			if c.Listeners[i].Takes(kind) {
				takes = append(takes, kind)
			}
		}
		if got := strings.Join(takes, " "); got != want[c.Listeners[i].Name] {
			t.Errorf("%s takes %s, want %s", c.Listeners[i].Name, got, want[c.Listeners[i].Name])
		}
	}
}

// A proxy that does not know of headers must not serve a document with them.
func TestProxyProtocolIsAFeature(t *testing.T) {
	accepted, sent, neither := l4Config(), l4Config(), l4Config()
	accepted.Backends[0].ProxyProtocol = ""
	for i := range sent.Listeners {
		sent.Listeners[i].ProxyProtocol, neither.Listeners[i].ProxyProtocol = nil, nil
	}
	neither.Backends[0].ProxyProtocol = ""
	for name, test := range map[string]struct {
		config *Config
		want   bool
	}{"accepted": {accepted, true}, "sent": {sent, true}, "neither": {neither, false}} {
		if got := slices.Contains(Features(test.config), FeatureProxyProtocol); got != test.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

// A proxy must know of TLS towards the backends of connections. That of a backend
// of requests is another feature.
func TestConnectionTLSIsAFeature(t *testing.T) {
	tls, unused, none := l4Config(), l4Config(), l4Config()
	tls.Backends[0].TLS = &BackendTLS{ServerName: "dns", SystemCAs: true}
	unused.Backends[0].TLS, unused.Routes = tls.Backends[0].TLS, unused.Routes[:1]
	for name, test := range map[string]struct {
		config *Config
		want   bool
	}{"TLS": {tls, true}, "TLS that no connection uses": {unused, false}, "none": {none, false}} {
		if got := slices.Contains(Features(test.config), FeatureConnectionTLS); got != test.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

func TestWrittenHostnamesAreAFeature(t *testing.T) {
	config := l4Config()
	if slices.Contains(Features(config), FeatureWrittenHostnames) {
		t.Error("asked for without any")
	}
	at := &config.Routes[2].Attachments[0]
	at.Written = []string{"*.example.com"}
	if !slices.Contains(Features(config), FeatureWrittenHostnames) {
		t.Error("not asked for")
	}
	if got := at.WrittenOf(0); got != "*.example.com" {
		t.Errorf("got %q", got)
	}
	at.Written = nil
	if got := at.WrittenOf(0); got != "a.pass.example.com" {
		t.Errorf("got %q where nothing else was written", got)
	}
}
