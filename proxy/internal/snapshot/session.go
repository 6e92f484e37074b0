package snapshot

import (
	"bytes"
	"errors"
	"iter"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/session"
)

// maxTokens bounds how many tokens one client keeps, and how many of those that it
// sends are looked at.
const maxTokens = 8

// Session is the compiled session persistence of a reference to a backend. It is
// immutable and safe for concurrent use.
//
// References of one rule may share the name of their cookie or header. A client
// then keeps one token for each backend under it, joined by dots, the newest
// first: the weights send it now to one backend and now to another, and it comes
// back to the same endpoint of each (GEP-1619, Traffic Splitting).
type Session struct {
	// Header says that the token is in a header, and not in a cookie. The Name of a
	// header is lower case.
	Header bool
	Name   string

	sealer  *session.Sealer
	timeout time.Duration
	// before and after stand around the value in the response's field.
	before, after string
}

var errNoSecret = errors.New("the proxy has no secret that sessions could be sealed with")

// session compiles the persistence of one of the rule's references.
func (c *compiledRoute) session(rule *proxyconfig.Rule, index int, s *Snapshot) (*Session, error) {
	ref := &rule.Backends[index]
	in := ref.Session
	if in == nil {
		return nil, nil
	}
	if len(s.secret) == 0 {
		return nil, errNoSecret
	}
	c.rarely().secret = s.secret
	scope := []string{ref.Backend, string(in.Type), in.Name}
	if !in.Shared {
		scope = append(scope, c.source.Kind, c.source.Namespace, c.source.Name)
	}
	sealer, err := session.NewSealer(s.secret, scope...)
	if err != nil {
		return nil, err
	}
	out := &Session{
		Header: in.Type == proxyconfig.SessionHeader, Name: in.Name, sealer: sealer,
		timeout: time.Duration(in.TimeoutMillis) * time.Millisecond,
	}
	if out.Header {
		out.Name, out.before = strings.ToLower(in.Name), in.Name+": "
		return out, nil
	}
	out.before, out.after = "Set-Cookie: "+in.Name+"=", attributes(in)
	return out, nil
}

// attributes are those of the cookie, but for Secure. Scripts have no business
// with it, and neither have other sites (GEP-1619, Secure, HttpOnly, SameSite).
func attributes(in *proxyconfig.Session) string {
	path := in.Path
	if path == "" {
		path = "/"
	}
	out := "; Path=" + path
	if in.Permanent {
		seconds := (in.TimeoutMillis + 999) / 1000
		out += "; Max-Age=" + strconv.FormatInt(seconds, 10)
	}
	return out + "; HttpOnly; SameSite=Strict"
}

// Home returns the endpoint that the value of a cookie or header leads to at a
// time, in Unix milliseconds.
func (s *Session) Home(value []byte, now int64) (endpoint netip.AddrPort, ok bool) {
	for token := range tokens(value) {
		endpoint, ends, ok := s.sealer.Open(token)
		if ok && (ends == 0 || now < ends) {
			return endpoint, true
		}
	}
	return netip.AddrPort{}, false
}

// AppendField appends the field line that gives a client a new token for an
// endpoint. value is what the client has sent. secure says that the client came
// by TLS: a browser takes no Secure cookie otherwise.
func (s *Session) AppendField(out, value []byte, endpoint netip.AddrPort, secure bool, now int64) []byte {
	var ends int64
	if s.timeout > 0 {
		ends = now + s.timeout.Milliseconds()
	}
	out = s.sealer.Append(append(out, s.before...), endpoint, ends)
	kept := 0
	for token := range tokens(value) {
		if kept == maxTokens-1 {
			break
		}
		// What is not ours is another backend's, or was one's; it stays opaque.
		if _, _, own := s.sealer.Open(token); !own {
			out = append(append(out, '.'), token...)
			kept++
		}
	}
	out = append(out, s.after...)
	if secure && !s.Header {
		out = append(out, "; Secure"...)
	}
	return append(out, "\r\n"...)
}

// tokens are what in a value could be one, up to maxTokens.
func tokens(value []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for range maxTokens {
			token, rest, more := bytes.Cut(value, dot)
			if session.IsToken(token) && !yield(token) || !more {
				return
			}
			value = rest
		}
	}
}

var dot = []byte(".")
