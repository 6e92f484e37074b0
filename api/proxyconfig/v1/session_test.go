package proxyconfig

import (
	"slices"
	"strings"
	"testing"
)

func TestValidateSession(t *testing.T) {
	tests := []struct {
		name    string
		session *Session
		want    string
	}{
		{"none", nil, ""},
		{"cookie", &Session{Type: SessionCookie, Name: "s"}, ""},
		{"cookie with all", &Session{Type: SessionCookie, Name: "s", Path: "/shop", TimeoutMillis: 1000, Permanent: true}, ""},
		{"header", &Session{Type: SessionHeader, Name: "X-Session", TimeoutMillis: 1000}, ""},
		{"unknown type", &Session{Type: "SourceIP", Name: "s"}, "unknown type"},
		{"cookie without a name", &Session{Type: SessionCookie}, "not a token"},
		{"cookie name that ends the pair", &Session{Type: SessionCookie, Name: "a=b"}, "not a token"},
		{"header that frames", &Session{Type: SessionHeader, Name: "Content-Length"}, "frames the message"},
		{"header of cookies", &Session{Type: SessionHeader, Name: "Cookie"}, "cannot carry"},
		{"negative timeout", &Session{Type: SessionCookie, Name: "s", TimeoutMillis: -1}, "negative"},
		{"permanent without a timeout", &Session{Type: SessionCookie, Name: "s", Permanent: true}, "needs a timeout"},
		{"header with a path", &Session{Type: SessionHeader, Name: "X-Session", Path: "/"}, "belongs to type Cookie"},
		{"path that adds an attribute", &Session{Type: SessionCookie, Name: "s", Path: "/; Domain=example.com"}, "cannot be that of a cookie"},
		{"path that ends the line", &Session{Type: SessionCookie, Name: "s", Path: "/\r\nX: y"}, "cannot be that of a cookie"},
		{"relative path", &Session{Type: SessionCookie, Name: "s", Path: "shop"}, "cannot be that of a cookie"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rule := Rule{Backends: []BackendRef{{Backend: "a/b:80", Weight: 1, Session: test.session}}}
			err := ValidateRule(&rule)
			if test.want == "" {
				if err != nil {
					t.Errorf("got %v, want none", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestSessionsNeedAFeature(t *testing.T) {
	c := &Config{
		Listeners: []Listener{{Name: "http", Port: 80, Protocol: HTTP}},
		Routes:    []Route{{Rules: []Rule{{}, {Backends: []BackendRef{{Weight: 1}, {Weight: 1}}}}}},
	}
	if got := Features(c); slices.Contains(got, FeatureSessions) {
		t.Errorf("without sessions got %v", got)
	}
	c.Routes[0].Rules[1].Backends[1].Session = &Session{Type: SessionCookie, Name: "s"}
	if got := Features(c); !slices.Contains(got, FeatureSessions) {
		t.Errorf("with a session got %v", got)
	}
	if !slices.Contains(KnownFeatures(), FeatureSessions) {
		t.Error("this package does not know its own feature")
	}
}
