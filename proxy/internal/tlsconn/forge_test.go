package tlsconn

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// Record types and handshake messages (RFC 8446, sections 4 and 5.1).
const (
	alertRecord     = 21
	handshakeRecord = 22
	dataRecord      = 23
)

var (
	helloRequest       = []byte{0, 0, 0, 0}
	clientHello        = []byte{1, 0, 0, 0}
	keyUpdate          = []byte{24, 0, 0, 1, 0}
	keyUpdateRequested = []byte{24, 0, 0, 1, 1}
)

// forger makes records that crypto/tls has no call for, with the keys of an
// established connection.
type forger struct {
	t      *testing.T
	tls13  bool
	secret []byte
	aead   cipher.AEAD
	iv     []byte
	seq    uint64
}

// forged is a connection whose server gets records from a forger in place of
// its client.
func forged(t *testing.T, version uint16) (*forger, *pair) {
	client, server := configs("ECDSA", version)
	client.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
	var keys bytes.Buffer
	client.KeyLogWriter = &keys
	hello := &recorder{}
	p := newPair(t, client, hello.watch(server))
	f := &forger{t: t, tls13: version == tls.VersionTLS13}
	if !f.tls13 {
		f.derive12(logged(keys.String(), "CLIENT_RANDOM"), hello)
		return f, p
	}
	if suite := p.client.State().CipherSuite; suite != tls.TLS_AES_128_GCM_SHA256 {
		t.Skipf("without AES in hardware crypto/tls prefers %s", tls.CipherSuiteName(suite))
	}
	f.derive13(logged(keys.String(), "CLIENT_TRAFFIC_SECRET_0")[1])
	return f, p
}

// logged returns the random and the secret of a line of the key log.
func logged(log, label string) (values [2][]byte) {
	for line := range strings.Lines(log) {
		if rest, ok := strings.CutPrefix(line, label+" "); ok {
			for i, field := range strings.Fields(rest) {
				values[i], _ = hex.DecodeString(field)
			}
		}
	}
	return values
}

// recorder remembers the server's random, which no API tells.
type recorder struct{ random []byte }

func (r *recorder) watch(config *tls.Config) *tls.Config {
	config.Rand = r //nolint:staticcheck // what is forged needs the random, which nothing else tells
	return config
}

// Read hands out a fixed "random", so that the test knows it.
func (r *recorder) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(i)
	}
	if len(p) == 32 && r.random == nil {
		r.random = bytes.Clone(p)
	}
	return len(p), nil
}

func (f *forger) derive13(secret []byte) {
	f.secret, f.seq = secret, 0
	f.setKey(expandLabel(secret, "key", 16), expandLabel(secret, "iv", 12))
}

func expandLabel(secret []byte, label string, n int) []byte {
	info := binary.BigEndian.AppendUint16(nil, uint16(n))
	info = append(info, byte(len("tls13 "+label)))
	info = append(info, "tls13 "+label+"\x00"...)
	out, err := hkdf.Expand(sha256.New, secret, string(info), n)
	if err != nil {
		panic(err)
	}
	return out
}

// derive12 is the key expansion of RFC 5246, section 6.3. The client's Finished
// was its first record.
func (f *forger) derive12(client [2][]byte, server *recorder) {
	seed := append([]byte("key expansion"), server.random...)
	seed = append(seed, client[0]...)
	var block []byte
	for a := mac(client[1], seed); len(block) < 40; a = mac(client[1], a) {
		block = append(block, mac(client[1], append(bytes.Clone(a), seed...))...)
	}
	f.setKey(block[:16], block[32:36])
	f.seq = 1
}

func mac(key, data []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(data)
	return h.Sum(nil)
}

func (f *forger) setKey(key, iv []byte) {
	block, err := aes.NewCipher(key)
	if err != nil {
		f.t.Fatal(err)
	}
	if f.aead, err = cipher.NewGCM(block); err != nil {
		f.t.Fatal(err)
	}
	f.iv = iv
}

// record seals one record.
func (f *forger) record(kind byte, data []byte) []byte {
	seq := binary.BigEndian.AppendUint64(nil, f.seq)
	f.seq++
	if f.tls13 {
		nonce := bytes.Clone(f.iv)
		for i, b := range seq {
			nonce[4+i] ^= b
		}
		header := []byte{dataRecord, 3, 3, 0, 0}
		binary.BigEndian.PutUint16(header[3:], uint16(len(data)+1+16))
		return f.aead.Seal(header, nonce, append(bytes.Clone(data), kind), header)
	}
	header := []byte{kind, 3, 3, 0, 0}
	binary.BigEndian.PutUint16(header[3:], uint16(8+len(data)+16))
	additional := append(bytes.Clone(seq), kind, 3, 3, byte(len(data)>>8), byte(len(data)))
	return f.aead.Seal(append(header, seq...), append(bytes.Clone(f.iv), seq...), data, additional)
}

// update is a KeyUpdate, after which the keys are others.
func (f *forger) update(message []byte) []byte {
	r := f.record(handshakeRecord, message)
	f.derive13(expandLabel(f.secret, "traffic upd", 32))
	return r
}

func TestForgedDataIsRead(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		f, p := forged(t, version)
		p.server.Feed(f.record(dataRecord, []byte("request")))
		if got, err := readAll(p.server); string(got) != "request" || !errors.Is(err, ErrWant) {
			t.Errorf("%s: got %q and %v", tls.VersionName(version), got, err)
		}
	}
}

func TestMessagesAfterTheHandshake(t *testing.T) {
	oneByte := func(f *forger) []byte { return f.record(dataRecord, []byte("x")) }
	for _, test := range []struct {
		name    string
		version uint16
		// message is sent the given number of times.
		message func(f *forger) []byte
		times   int
		refused bool
	}{
		{"a KeyUpdate", tls.VersionTLS13, func(f *forger) []byte { return f.update(keyUpdate) }, 1, false},
		{"a KeyUpdate that asks for one", tls.VersionTLS13, func(f *forger) []byte { return f.update(keyUpdateRequested) }, 1, false},
		{"KeyUpdates without end", tls.VersionTLS13, func(f *forger) []byte { return f.update(keyUpdate) }, 100, true},
		{"KeyUpdates between bytes of data", tls.VersionTLS13,
			func(f *forger) []byte { return append(f.update(keyUpdate), oneByte(f)...) }, 100, true},
		{"empty data without end", tls.VersionTLS13, func(f *forger) []byte { return f.record(dataRecord, nil) }, 100, true},
		{"empty data between bytes of data", tls.VersionTLS13,
			func(f *forger) []byte { return append(f.record(dataRecord, nil), oneByte(f)...) }, 100, true},
		{"data without end", tls.VersionTLS13, oneByte, 1000, false},
		{"warnings without end", tls.VersionTLS12, func(f *forger) []byte { return f.record(alertRecord, []byte{1, 90}) }, 100, true},
		{"a ClientHello", tls.VersionTLS12, func(f *forger) []byte { return f.record(handshakeRecord, clientHello) }, 1, true},
		{"a HelloRequest to the server", tls.VersionTLS12, func(f *forger) []byte { return f.record(handshakeRecord, helloRequest) }, 1, true},
		{"a ClientHello in TLS 1.3", tls.VersionTLS13, func(f *forger) []byte { return f.record(handshakeRecord, clientHello) }, 1, true},
		{"a KeyUpdate with data behind it in the record", tls.VersionTLS13,
			func(f *forger) []byte { return f.record(handshakeRecord, append(bytes.Clone(keyUpdate), 0)) }, 1, true},
		{"a message of 16 MiB", tls.VersionTLS13, func(f *forger) []byte { return f.record(handshakeRecord, []byte{4, 255, 255, 255}) }, 1, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			f, p := forged(t, test.version)
			err := error(ErrWant)
			for range test.times {
				p.server.Feed(test.message(f))
				if _, err = readAll(p.server); !errors.Is(err, ErrWant) {
					break
				}
				p.server.Flushed(len(p.server.Output()))
			}
			if refused := !errors.Is(err, ErrWant); refused != test.refused {
				t.Errorf("got %v, refused is to be %v", err, test.refused)
			}
		})
	}
}

func TestHalfAMessageWaits(t *testing.T) {
	f, p := forged(t, tls.VersionTLS13)
	p.server.Feed(f.record(handshakeRecord, keyUpdateRequested[:3]))
	if _, err := readAll(p.server); !errors.Is(err, ErrWant) {
		t.Fatal(err)
	}
	p.server.Feed(f.update(keyUpdateRequested[3:]))
	p.server.Feed(f.record(dataRecord, []byte("after")))
	if got, err := readAll(p.server); string(got) != "after" || !errors.Is(err, ErrWant) {
		t.Errorf("got %q and %v", got, err)
	}
	p.server.Write([]byte("answer"))
	transfer(p.server, p.client, 10)
	if got, err := readAll(p.client); string(got) != "answer" || !errors.Is(err, ErrWant) {
		t.Errorf("after the keys changed: got %q and %v", got, err)
	}
}

// A peer that asks for answers and does not read them fills no memory.
func TestAnswersThatAreNotReadAreBounded(t *testing.T) {
	f, p := forged(t, tls.VersionTLS13)
	p.server.Write(make([]byte, 100_000))
	waiting := len(p.server.Output())
	for i := range 100_000 {
		// Enough data that the share of useless records stays within bounds.
		for range recordsPerUseless {
			p.server.Feed(f.record(dataRecord, []byte("x")))
			readAll(p.server)
		}
		p.server.Feed(f.update(keyUpdateRequested))
		if _, err := readAll(p.server); errors.Is(err, ErrFlood) {
			return
		}
		if got := len(p.server.Output()) - waiting; got > answerBytes+100 {
			t.Fatalf("%d bytes of answers wait after %d updates", got, i)
		}
	}
	t.Error("the flood was not refused")
}

func TestTamperedRecordIsRefused(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		f, p := forged(t, version)
		r := f.record(dataRecord, []byte("request"))
		r[len(r)-1] ^= 1
		p.server.Feed(r)
		got, err := readAll(p.server)
		if len(got) > 0 || errors.Is(err, ErrWant) {
			t.Errorf("%s: got %q and %v", tls.VersionName(version), got, err)
		}
		if want := fmt.Sprint(err); !strings.Contains(want, "bad record MAC") {
			t.Errorf("got %q", want)
		}
	}
}
