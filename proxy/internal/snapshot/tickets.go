package snapshot

import (
	"crypto/tls"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// ticketScope is what a session ticket is good for: one listener, with one
// validation of clients. A client that resumes a session skips that validation,
// so that a ticket must not be good where another one is asked for
// (CVE-2025-68121).
type ticketScope struct {
	listener string
	port     int32
	hostname string
	// validation is zero where clients are not validated.
	validation proxyconfig.ClientValidation
}

// tickets returns the keys for the session tickets of a listener: those of the
// snapshot before where the scope is the same. They are kept in a tls.Config
// that serves nothing else, as that makes a new key every day and drops it after
// a week.
func (c *compiler) tickets(f *frame, l *proxyconfig.Listener, v *proxyconfig.ClientValidation) *tls.Config {
	scope := ticketScope{listener: l.Name, port: l.Port, hostname: l.Hostname}
	if v != nil {
		scope.validation = *v
	}
	var keys *tls.Config
	if c.in.Previous != nil {
		keys = c.in.Previous.frame.tickets[scope]
	}
	if keys == nil {
		keys = &tls.Config{}
	}
	f.tickets[scope] = keys
	return keys
}
