package graph

import (
	"net/netip"
	"slices"
	"testing"

	gatewayxv1alpha1 "sigs.k8s.io/gateway-api/apisx/v1alpha1"
)

func TestXBackendsSpeakWhatTheyAreAskedTo(t *testing.T) {
	const no = ""
	tests := []struct {
		protocol                     gatewayxv1alpha1.BackendProtocol
		requests, calls, connections string
	}{
		{"", "http", "h2", "tcp"},
		{"HTTP", "http", "h2", "tcp"},
		{"HTTP11", "http", no, "tcp"},
		{"MCP", "http", no, "tcp"},
		{"WSS", "http", no, "tcp"},
		{"HTTP2", "h2", "h2", "tcp"},
		{"H2C", "h2", "h2", "tcp"},
		{"GRPC", "h2", "h2", "tcp"},
		{"TCP", no, no, "tcp"},
	}
	for _, tt := range tests {
		x := &XBackend{Source: &gatewayxv1alpha1.XBackend{}}
		if tt.protocol != "" {
			x.Source.Spec.Protocol = &tt.protocol
		}
		for transport, want := range map[Transport]string{Requests: tt.requests, Calls: tt.calls, Connections: tt.connections, Datagrams: no} {
			got, why := x.speak(transport)
			if got != want || (why == "") != (want != "") {
				t.Errorf("%s of protocol %q: got %q (%s), want %q", transport, tt.protocol, got, why, want)
			}
		}
	}
}

func TestForbiddenAddressesOfAPort(t *testing.T) {
	f := ForbiddenBackends{Listed: map[netip.AddrPort]string{
		netip.MustParseAddrPort("10.0.0.2:443"): "b", netip.MustParseAddrPort("10.0.0.1:443"): "a", netip.MustParseAddrPort("10.0.0.3:6443"): "c",
	}}
	if got, want := f.at(443), []string{"10.0.0.1:443", "10.0.0.2:443"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := f.at(80); got != nil {
		t.Errorf("got %v of a port that nothing is listed with", got)
	}
}

func TestNamesOfTheClusterAreNoExternalOnes(t *testing.T) {
	for _, tt := range []struct {
		name, domain string
		refused      bool
	}{
		{"echo.vault.svc.corp", "corp", true},
		{"Echo.Vault.SVC.Corp", "corp", true},
		{"echo.vault.svc.cluster.local", "corp", true},
		{"echo.vault.svc.cluster.local", "", true},
		{"echo.vault.svc.a.corp", "a.corp", true},
		{"echo.corp", "a.corp", false},
		{"echo.acorp", "corp", false},
		{"echo.vault.svc.corp", "", false},
	} {
		x := &XBackend{}
		x.readHostname(tt.name, tt.domain)
		if got := len(x.Problems) > 0; got != tt.refused {
			t.Errorf("%s where the cluster is %q: refused %t, want %t", tt.name, tt.domain, got, tt.refused)
		}
	}
}
