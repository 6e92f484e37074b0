package session

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
)

const (
	keySize   = 32
	nonceSize = 12
	tagSize   = 16
	// plainSize is a port, the end of the session in Unix milliseconds, and an
	// IPv6 address or a mapped IPv4 one: the length tells nothing.
	plainSize  = 2 + 8 + 16
	sealedSize = nonceSize + plainSize + tagSize
)

// TokenSize is the length of every token.
const TokenSize = (sealedSize*8 + 5) / 6

// Sealer makes and opens the tokens of one scope. It is safe for concurrent use.
type Sealer struct {
	aead  cipher.AEAD
	nonce []byte
}

// NewSealer derives the key of a scope from the fleet's secret. The parts of the
// scope must not contain a zero byte.
func NewSealer(secret []byte, scope ...string) (*Sealer, error) {
	info := "fleetgate session\x00" + strings.Join(scope, "\x00")
	keys, err := hkdf.Key(sha256.New, secret, nil, info, 2*keySize)
	if err != nil {
		return nil, fmt.Errorf("deriving the key of sessions: %w", err)
	}
	block, err := aes.NewCipher(keys[:keySize])
	if err != nil {
		return nil, fmt.Errorf("making the cipher of sessions: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("making the cipher of sessions: %w", err)
	}
	return &Sealer{aead: aead, nonce: keys[keySize:]}, nil
}

// Append appends the token for an endpoint and the end of the session, zero if
// there is none. Equal arguments give equal tokens: the nonce is a keyed hash of
// what is sealed, so that no two contents share one however many tokens are made.
func (s *Sealer) Append(out []byte, endpoint netip.AddrPort, ends int64) []byte {
	sealed := make([]byte, nonceSize, sealedSize)
	plain := make([]byte, 0, plainSize)
	plain = binary.BigEndian.AppendUint16(plain, endpoint.Port())
	plain = binary.BigEndian.AppendUint64(plain, uint64(ends))
	address := endpoint.Addr().As16()
	plain = append(plain, address[:]...)
	h := hmac.New(sha256.New, s.nonce)
	h.Write(plain)
	copy(sealed, h.Sum(nil))
	sealed = s.aead.Seal(sealed, sealed, plain, nil)
	return base64.RawURLEncoding.AppendEncode(out, sealed)
}

// Open returns what a token was made of. It reports false for what is none, or
// was made in another scope.
func (s *Sealer) Open(token []byte) (endpoint netip.AddrPort, ends int64, ok bool) {
	if len(token) != TokenSize {
		return netip.AddrPort{}, 0, false
	}
	sealed := make([]byte, sealedSize)
	if _, err := base64.RawURLEncoding.Strict().Decode(sealed, token); err != nil {
		return netip.AddrPort{}, 0, false
	}
	body := sealed[nonceSize:]
	plain, err := s.aead.Open(body[:0], sealed[:nonceSize], body, nil)
	if err != nil {
		return netip.AddrPort{}, 0, false
	}
	port, plain := binary.BigEndian.Uint16(plain), plain[2:]
	ends, plain = int64(binary.BigEndian.Uint64(plain)), plain[8:]
	return netip.AddrPortFrom(netip.AddrFrom16([16]byte(plain)).Unmap(), port), ends, true
}

// IsToken reports whether b could be a token, of whatever scope.
func IsToken(b []byte) bool {
	if len(b) != TokenSize {
		return false
	}
	for _, c := range b {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}
