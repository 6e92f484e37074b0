package graph

import (
	"maps"
	"slices"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// The keys of a listener's tls.options that have a meaning here.
const (
	// OptionMinVersion is the oldest version of TLS: "1.2" or "1.3".
	OptionMinVersion = optionDomain + "min-version"
	// OptionCipherSuites are the cipher suites of TLS 1.2 by their IANA names,
	// separated by commas.
	OptionCipherSuites = optionDomain + "cipher-suites"

	optionDomain = "fleetgate.io/"
)

// TLSOptions say how TLS is terminated. The zero value has the defaults.
type TLSOptions struct {
	MinVersion   string
	CipherSuites []string
}

// readTLSOptions refuses a listener with a bad option: it was asked for to keep
// weaker clients out. Options of other implementations are left to them.
func (l *Listener) readTLSOptions() {
	if l.Source.TLS == nil {
		return
	}
	options := l.Source.TLS.Options
	for _, key := range slices.Sorted(maps.Keys(options)) {
		text := string(options[key])
		switch {
		case key == OptionMinVersion:
			l.TLS.MinVersion = text
		case key == OptionCipherSuites:
			l.TLS.CipherSuites = splitList(text)
		case strings.HasPrefix(string(key), optionDomain):
			l.refuse(gatewayv1.ListenerReasonUnsupportedValue, "tls.options has no %s", key)
		default:
			l.Notes = append(l.Notes, "tls.options "+string(key)+" has no effect")
		}
	}
	l.checkTLSOptions()
}

// checkTLSOptions asks in the very way that the proxy does.
func (l *Listener) checkTLSOptions() {
	version := proxyconfig.ListenerTLS{MinVersion: proxyconfig.TLSVersion(l.TLS.MinVersion)}
	if err := proxyconfig.ValidateListenerTLS(&version); err != nil {
		l.refuse(gatewayv1.ListenerReasonUnsupportedValue, "tls.options %s: %s", OptionMinVersion, err)
	}
	suites := proxyconfig.ListenerTLS{CipherSuites: l.TLS.CipherSuites}
	if err := proxyconfig.ValidateListenerTLS(&suites); err != nil {
		l.refuse(gatewayv1.ListenerReasonUnsupportedValue, "tls.options %s: %s", OptionCipherSuites, err)
	}
}

func splitList(text string) []string {
	parts := strings.Split(text, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}
