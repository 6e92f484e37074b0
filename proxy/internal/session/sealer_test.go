package session

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
)

func sealer(t *testing.T, secret string, scope ...string) *Sealer {
	t.Helper()
	s, err := NewSealer([]byte(secret), scope...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTokensComeBack(t *testing.T) {
	s := sealer(t, "secret", "route", "backend")
	for _, text := range []string{"10.0.0.1:80", "[fd00::1]:8443", "255.255.255.255:65535", "[::]:0"} {
		for _, ends := range []int64{0, 1, 1_900_000_000_000} {
			endpoint := netip.MustParseAddrPort(text)
			token := s.Append([]byte("x"), endpoint, ends)[1:]
			if !IsToken(token) {
				t.Errorf("%s: %q does not look like a token", text, token)
			}
			// Another replica, or the same one after a restart.
			got, gotEnds, ok := sealer(t, "secret", "route", "backend").Open(token)
			if !ok || got != endpoint || gotEnds != ends {
				t.Errorf("got %s %d %v, want %s %d", got, gotEnds, ok, endpoint, ends)
			}
		}
	}
}

func TestForeignTokensDoNotOpen(t *testing.T) {
	s := sealer(t, "secret", "a", "b")
	endpoint := netip.MustParseAddrPort("10.0.0.1:80")
	others := map[string]*Sealer{
		"another fleet":          sealer(t, "secrets", "a", "b"),
		"another route":          sealer(t, "secret", "c", "b"),
		"another backend":        sealer(t, "secret", "a", "c"),
		"the same names, joined": sealer(t, "secret", "ab"),
	}
	token := s.Append(nil, endpoint, 0)
	for name, other := range others {
		if _, _, ok := other.Open(token); ok {
			t.Errorf("%s opens the token", name)
		}
		if bytes.Equal(other.Append(nil, endpoint, 0), token) {
			t.Errorf("%s makes the same token", name)
		}
	}
}

// TestChangedTokensDoNotOpen changes each character of a token.
func TestChangedTokensDoNotOpen(t *testing.T) {
	s := sealer(t, "secret", "a")
	token := s.Append(nil, netip.MustParseAddrPort("10.0.0.1:80"), 0)
	for i := range token {
		changed := bytes.Clone(token)
		if changed[i] = 'A'; token[i] == 'A' {
			changed[i] = 'B'
		}
		if _, _, ok := s.Open(changed); ok {
			t.Errorf("it opens with character %d changed", i)
		}
	}
	for _, bad := range [][]byte{nil, token[1:], append(bytes.Clone(token), 'A'), bytes.Repeat([]byte("."), TokenSize), bytes.Repeat([]byte("\n"), TokenSize)} {
		if _, _, ok := s.Open(bad); ok {
			t.Errorf("%q opens", bad)
		}
	}
}

func TestTokenTellsNothing(t *testing.T) {
	s := sealer(t, "secret", "a")
	a := s.Append(nil, netip.MustParseAddrPort("10.0.0.1:80"), 0)
	b := s.Append(nil, netip.MustParseAddrPort("10.0.0.2:80"), 0)
	same := 0
	for i := range a {
		if a[i] == b[i] {
			same++
		}
	}
	// Of unrelated characters one in 64 is equal: about one of these.
	if same > TokenSize/4 {
		t.Errorf("neighbouring endpoints have %d of %d characters in common", same, TokenSize)
	}
}

func TestSourceOfTheSecret(t *testing.T) {
	dir := t.TempDir()
	without := &Source{Dir: dir}
	own := without.Secret()
	if len(own) != keySize || !bytes.Equal(own, without.Secret()) {
		t.Errorf("without a token got %d bytes, and then others", len(own))
	}
	if bytes.Equal(own, (&Source{}).Secret()) {
		t.Error("two proxies without a token have the same secret")
	}
	if err := os.WriteFile(filepath.Join(dir, "token"), []byte("shared\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := without.Secret(); string(got) != "shared" {
		t.Errorf("got %q, want the token", got)
	}
}

func FuzzOpen(f *testing.F) {
	s, err := NewSealer([]byte("secret"), "a")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(s.Append(nil, netip.MustParseAddrPort("10.0.0.1:80"), 5))
	f.Fuzz(func(t *testing.T, token []byte) {
		endpoint, ends, ok := s.Open(token)
		if ok && !bytes.Equal(s.Append(nil, endpoint, ends), token) {
			t.Errorf("%q opens, and is not what would have been made", token)
		}
	})
}
