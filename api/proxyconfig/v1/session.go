package proxyconfig

import (
	"fmt"
	"strings"
)

// SessionType is where a client carries the token of its session.
type SessionType string

// The types of sessions.
const (
	SessionCookie SessionType = "Cookie"
	SessionHeader SessionType = "Header"
)

// Session keeps the requests of one client at one endpoint of a backend (Gateway
// API, SessionPersistence; GEP-1619). The weights of a rule decide before it which
// backend that is. The proxy answers the first request with a token, and sends
// what carries it to the same endpoint as long as that takes requests; after that
// the client is given another token. Tokens are sealed with a key of the fleet's:
// they tell nothing of the endpoint, are good for one backend, of one route unless
// they are shared, and are known to all of the Gateway's proxies.
type Session struct {
	Type SessionType `json:"type"`
	// Name is that of the cookie or of the header. References of one rule may
	// share it.
	Name string `json:"name"`
	// Path is the cookie's, "/" if it is empty. A header has none.
	Path string `json:"path,omitempty"`
	// TimeoutMillis after its beginning a session ends; zero never ends it.
	TimeoutMillis int64 `json:"timeoutMillis,omitempty"`
	// Shared sessions are those of the backend: all routes that lead to it have the
	// same ones.
	Shared bool `json:"shared,omitempty"`
	// Permanent cookies outlive the client's own session, until the timeout.
	Permanent bool `json:"permanent,omitempty"`
}

// ValidateSession checks the session persistence of one backend reference; nil is
// sound.
func ValidateSession(s *Session) error {
	if s == nil {
		return nil
	}
	if err := validateSessionName(s); err != nil {
		return err
	}
	switch {
	case s.TimeoutMillis < 0:
		return fmt.Errorf("a timeout of %d ms is negative", s.TimeoutMillis)
	case s.Permanent && s.TimeoutMillis == 0:
		return fmt.Errorf("a permanent cookie needs a timeout")
	case s.Type == SessionHeader && (s.Path != "" || s.Permanent):
		return fmt.Errorf("a path or a lifetime belongs to type %s", SessionCookie)
	case s.Path != "" && !isCookiePath(s.Path):
		return fmt.Errorf("path %q cannot be that of a cookie", s.Path)
	}
	return nil
}

func validateSessionName(s *Session) error {
	switch s.Type {
	case SessionCookie:
		if !isToken(s.Name) {
			return fmt.Errorf("cookie name %q is not a token", s.Name)
		}
		return nil
	case SessionHeader:
		return validateSessionHeader(s.Name)
	}
	return fmt.Errorf("unknown type %q", s.Type)
}

// validateSessionHeader refuses the fields that mean something else to the proxy
// or to every client.
func validateSessionHeader(name string) error {
	switch strings.ToLower(name) {
	case "host", "cookie", "set-cookie", "content-type", "location":
		return fmt.Errorf("header %q cannot carry a session", name)
	}
	return validateFieldName(name)
}

// isCookiePath is the path-value of RFC 6265, section 4.1.1, that a user agent
// does not replace by its default (section 5.2.4).
func isCookiePath(s string) bool {
	if !strings.HasPrefix(s, "/") {
		return false
	}
	return !strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c >= 0x7f || c == ';' })
}

// persists says whether any of the route's rules keeps sessions.
func (r *Route) persists() bool {
	return contains(r.Rules, func(rule *Rule) bool {
		return contains(rule.Backends, func(b *BackendRef) bool { return b.Session != nil })
	})
}
