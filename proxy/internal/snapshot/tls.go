package snapshot

import (
	"crypto/tls"
	"errors"
	"strings"

	"github.com/fleetgate/fleetgate/proxy/internal/router"
)

// TLS is how a port terminates TLS. It is immutable; certificates that change
// come with a new Snapshot and leave connections alone.
type TLS struct {
	// Config selects the listener by the client's server name and then goes by
	// that listener's certificates and options.
	Config *tls.Config

	listeners router.Hosts[*listenerTLS]
	first     *Listener
}

var errNoListener = errors.New("no listener for the server name")

// newTLS makes the TLS of a port.
func newTLS(listeners []*listenerTLS) *TLS {
	t := &TLS{first: listeners[0].label}
	hosts := t.listeners.Edit()
	for _, l := range listeners {
		hosts.Set(l.hostname, l)
	}
	t.listeners = hosts.Hosts()
	t.Config = &tls.Config{
		MinVersion:         tls.VersionTLS12,
		GetConfigForClient: t.forClient,
	}
	return t
}

// forClient selects the listener of a handshake by the same rule as that of a
// request. One that was refused fails its own handshakes: its name must not fall
// to a listener beside it that asks less of its clients.
func (t *TLS) forClient(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	l, ok := t.listeners.Find([]byte(ServerName(hello.ServerName)))
	if !ok {
		return nil, errNoListener
	}
	return l.config, l.err
}

// Listener returns the listener that a client has named by SNI, or the first of the
// port where the name is not known, or no listener's.
func (t *TLS) Listener(serverName string) *Listener {
	if l, ok := t.listeners.Find([]byte(ServerName(serverName))); ok {
		return l.label
	}
	return t.first
}

// ServerName is the form in which the name that a client sent as SNI is compared
// with hostnames: lower case, without the dot of the root.
func ServerName(sni string) string {
	return strings.ToLower(strings.TrimSuffix(sni, "."))
}

// Misdirected says whether a request arrived over a connection that is not meant
// for its host: host belongs to another listener of the port than serverName, for
// which the connection was set up. Such a request is answered 421 (RFC 9110,
// section 15.5.20; GEP-3567): a client must not carry over to one listener what
// it proved to another. A host that belongs to no listener is not misdirected,
// but answered 404.
//
// serverName is what ServerName returns, empty if the client sent none; host is
// in the form in which it is matched.
func (p *Port) Misdirected(serverName, host []byte) bool {
	if string(serverName) == string(host) {
		return false
	}
	there, ok := p.listeners.Find(host)
	if !ok {
		return false
	}
	here, ok := p.listeners.Find(serverName)
	return !ok || here != there
}
