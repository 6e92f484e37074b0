package proxyconfig

import "fmt"

// validateProtocol checks what depends on the protocol of a listener.
func validateProtocol(l *Listener) error {
	if l.TLSMode != "" && l.Protocol != TLS {
		return fmt.Errorf("a listener of protocol %s has no TLS mode", l.Protocol)
	}
	if l.TLS != nil && l.Protocol != HTTPS && l.TLSMode != TLSTerminate {
		return fmt.Errorf("a listener that does not terminate TLS has no options of it")
	}
	if l.Filters != nil && l.Protocol != HTTP && l.Protocol != HTTPS {
		return fmt.Errorf("a listener of protocol %s has no filters of requests", l.Protocol)
	}
	switch l.Protocol {
	case HTTP:
		return nil
	case HTTPS:
		return validateCertificates(l.Certificates)
	case TLS:
		return validateTLSMode(l)
	case TCP, UDP:
		if l.Hostname != "" || len(l.Certificates) > 0 {
			return fmt.Errorf("a listener of protocol %s has neither hostname nor certificates", l.Protocol)
		}
		return nil
	}
	return fmt.Errorf("unknown protocol %q", l.Protocol)
}

func validateTLSMode(l *Listener) error {
	switch l.TLSMode {
	case TLSTerminate:
		return validateCertificates(l.Certificates)
	case TLSPassthrough:
		if len(l.Certificates) > 0 {
			return fmt.Errorf("a listener that passes TLS through has no certificates")
		}
		return nil
	}
	return fmt.Errorf("unknown TLS mode %q", l.TLSMode)
}

// The bounds of SessionLimits: a time that is shorter would end sessions between
// two packets of a slow path, and each session is a descriptor or two.
const (
	minIdleMillis = 100
	maxSessions   = 1_000_000
)

func validateSessions(l *Listener) error {
	s := l.Sessions
	switch {
	case s == nil:
		return nil
	case l.Protocol == HTTP || l.Protocol == HTTPS:
		return fmt.Errorf("a listener of protocol %s has no limits of sessions", l.Protocol)
	case s.IdleMillis != 0 && s.IdleMillis < minIdleMillis:
		return fmt.Errorf("idle time of sessions: %d ms are less than %d", s.IdleMillis, minIdleMillis)
	case s.Max < 0 || s.Max > maxSessions:
		return fmt.Errorf("%d sessions are not in 0..%d", s.Max, maxSessions)
	}
	return validateMillis("idle time of sessions", s.IdleMillis)
}

func validateAcceptedProxy(l *Listener) error {
	if l.ProxyProtocol == nil {
		return nil
	}
	if l.Protocol == UDP {
		return fmt.Errorf("a listener of protocol UDP has no PROXY protocol")
	}
	_, err := l.ProxyProtocol.Prefixes()
	return err
}

// validateL4Rule checks a rule of a TLSRoute, TCPRoute or UDPRoute by itself.
func validateL4Rule(r *Rule) error {
	if len(r.Matches) > 0 || len(r.Filters) > 0 || r.Timeouts != nil {
		return fmt.Errorf("a rule below HTTP has backends and nothing else")
	}
	for i := range r.Backends {
		b := &r.Backends[i]
		if len(b.Filters) > 0 {
			return fmt.Errorf("a backend reference below HTTP has no filters")
		}
		if b.Session != nil {
			return fmt.Errorf("a backend reference below HTTP has no sessions")
		}
		if err := validateBackendRef(b, false); err != nil {
			return err
		}
	}
	return nil
}

// ValidateRouteRule checks one rule of r by itself: see ValidateRule.
func ValidateRouteRule(r *Route, rule *Rule) error {
	if err := ValidateRule(rule); err != nil || !r.IsL4() {
		return err
	}
	return validateL4Rule(rule)
}

func validateSentProxy(b *Backend) error {
	switch b.ProxyProtocol {
	case "":
		return nil
	case ProxyV1, ProxyV2:
		if b.Protocol == BackendUDP {
			return fmt.Errorf("no PROXY protocol header is sent to backends of protocol %q", BackendUDP)
		}
		return nil
	}
	return fmt.Errorf("unknown version of the PROXY protocol %q", b.ProxyProtocol)
}

// portUse is what the listeners of one port have in common.
type portUse struct {
	protocol Protocol
	proxied  string
}

// sharePort says whether a listener can stand beside those that the port has.
func (u portUse) sharePort(l *Listener) error {
	if transportOf(u.protocol) != transportOf(l.Protocol) {
		return fmt.Errorf("port %d already speaks %s", l.Port, u.protocol)
	}
	// The header comes before anything that tells the listeners apart.
	if u.proxied != proxied(l) {
		return fmt.Errorf("other listeners of port %d differ in the PROXY protocol they accept", l.Port)
	}
	return nil
}

// transportOf is what a port's socket carries: the listeners of one port agree
// in it.
func transportOf(p Protocol) Protocol {
	if p == HTTPS {
		return TLS
	}
	return p
}

func proxied(l *Listener) string {
	if l.ProxyProtocol == nil {
		return ""
	}
	return fmt.Sprint(l.ProxyProtocol.TrustedSources)
}
