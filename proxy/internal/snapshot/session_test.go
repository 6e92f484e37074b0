package snapshot

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/session"
)

func sessionConfig() *proxyconfig.Config {
	r := rules("ns/a:80")
	r[0].Backends[0].Session = &proxyconfig.Session{Type: proxyconfig.SessionCookie, Name: "s"}
	return &proxyconfig.Config{
		Listeners: []proxyconfig.Listener{{Name: "http", Port: 80, Protocol: proxyconfig.HTTP}},
		Routes:    []proxyconfig.Route{route("r", 0, append(r, rules("ns/a:80", "ns/a:80")[1]), on("http"))},
		Backends:  []proxyconfig.Backend{{ID: "ns/a:80", Namespace: "ns", Service: "a", Port: 80, Protocol: "http"}},
	}
}

func (w *world) compileWith(secret string) (*Session, []proxyconfig.RefusedItem) {
	s, refused := Compile(Input{
		Document: &proxyconfig.Document{}, Config: sessionConfig(), Registry: w.registry, Previous: w.serving,
		SessionSecret: []byte(secret),
	})
	w.serving = s
	s.Commit()
	backends := s.route("r").rules[0].reached[0].Backends
	if backends == nil {
		return nil, refused
	}
	return backends.Items()[0].Session, refused
}

func TestSessionsNeedASecret(t *testing.T) {
	w := newWorld(t)
	_, refused := w.compileWith("")
	if len(refused) != 1 || !strings.Contains(refused[0].Reason, "no secret") {
		t.Errorf("got %v", refused)
	}
	if got := w.get(80, "", "/0"); got != "http r#0 500" {
		t.Errorf("the rule with sessions: got %s", got)
	}
	if got := w.get(80, "", "/1"); got != "http r#1 ns/a:80" {
		t.Errorf("the rule beside it: got %s", got)
	}
}

func TestSessionsOutliveReloadsButNotTheirSecret(t *testing.T) {
	w := newWorld(t)
	first, refused := w.compileWith("one")
	if len(refused) > 0 {
		t.Fatal(refused)
	}
	endpoint := netip.MustParseAddrPort("10.0.0.1:80")
	line := first.AppendField(nil, nil, endpoint, false, 0)
	value := bytes.TrimPrefix(line[:bytes.IndexByte(line, ';')], []byte("Set-Cookie: s="))
	again, _ := w.compileWith("one")
	if got, ok := again.Home(value, 0); !ok || got != endpoint || again != first {
		t.Errorf("with the same secret got %s %v", got, ok)
	}
	other, _ := w.compileWith("two")
	if got, ok := other.Home(value, 0); ok {
		t.Errorf("with another secret got %s", got)
	}
}

// Whatever a client sends for its tokens, it gets one that leads home, among no
// more than it may keep, and nothing of what it sent that is no token.
func FuzzSession(f *testing.F) {
	w := newWorld(f)
	s, refused := w.compileWith("secret")
	if len(refused) > 0 {
		f.Fatal(refused)
	}
	there := netip.MustParseAddrPort("10.0.0.1:80")
	line := s.AppendField(nil, nil, there, false, 0)
	token := line[len("Set-Cookie: s="):bytes.IndexByte(line, ';')]
	f.Add([]byte(""))
	f.Add(token)
	f.Add(bytes.Repeat(append([]byte("."), token...), 20))
	f.Add([]byte("a.\r\nSet-Cookie: b=c." + strings.Repeat("a", len(token)) + "..;"))
	f.Fuzz(func(t *testing.T, value []byte) {
		home := netip.MustParseAddrPort("10.0.0.2:80")
		line := s.AppendField(nil, value, home, true, 0)
		got, rest, _ := bytes.Cut(bytes.TrimPrefix(line, []byte("Set-Cookie: s=")), []byte(";"))
		if found, ok := s.Home(got, 0); !ok || found != home {
			t.Errorf("%q leads to %v", got, found)
		}
		if want := " Path=/; HttpOnly; SameSite=Strict; Secure\r\n"; string(rest) != want {
			t.Errorf("got %q, want %q", rest, want)
		}
		tokens := bytes.Split(got, dot)
		for _, token := range tokens {
			if !session.IsToken(token) || len(tokens) > maxTokens {
				t.Errorf("%d tokens, one of them %q", len(tokens), token)
			}
		}
	})
}
