package sni

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// The extensions that are read.
const (
	extensionServerName = 0
	extensionALPN       = 16
)

// parseBody reads a ClientHello (RFC 8446, section 4.1.2).
func parseBody(b []byte) (Hello, error) {
	r := reader{rest: b}
	r.bytes(2 + 32) // legacy version, random
	session := r.vector8()
	suites := r.vector16()
	compression := r.vector8()
	if r.failed || len(session) > 32 || len(suites) == 0 || len(suites)%2 != 0 || len(compression) == 0 {
		return Hello{}, fmt.Errorf("%w: its fixed part is wrong", ErrMalformed)
	}
	var h Hello
	// A client of TLS 1.2 may have no extensions at all.
	if len(r.rest) == 0 {
		return h, nil
	}
	extensions := reader{rest: r.vector16()}
	if r.failed || len(r.rest) > 0 {
		return Hello{}, fmt.Errorf("%w: its extensions do not fill it", ErrMalformed)
	}
	seen := map[uint16]bool{}
	for len(extensions.rest) > 0 {
		kind := extensions.uint16()
		data := extensions.vector16()
		if extensions.failed || seen[kind] {
			return Hello{}, fmt.Errorf("%w: extension %d is cut short or there twice", ErrMalformed, kind)
		}
		seen[kind] = true
		if err := h.extension(kind, data); err != nil {
			return Hello{}, err
		}
	}
	return h, nil
}

func (h *Hello) extension(kind uint16, data []byte) (err error) {
	switch kind {
	case extensionServerName:
		h.ServerName, err = parseServerName(data)
	case extensionALPN:
		h.ALPN, err = parseALPN(data)
	}
	return err
}

// parseServerName reads a ServerNameList (RFC 6066, section 3). There are no
// names of other types than hosts, and one of each type at most.
func parseServerName(data []byte) (string, error) {
	r := reader{rest: data}
	list := reader{rest: r.vector16()}
	kind := list.bytes(1)
	name := list.vector16()
	if r.failed || list.failed || len(r.rest) > 0 || len(list.rest) > 0 || kind[0] != 0 {
		return "", fmt.Errorf("%w: its server name is not a list of one host", ErrMalformed)
	}
	host := strings.ToLower(string(name))
	if !isHost(host) {
		return "", fmt.Errorf("%w: server name %.260q is not a host", ErrMalformed, host)
	}
	return host, nil
}

// isHost says whether a name of lower-case ASCII letters, digits, hyphens and
// underscores is made of labels, without a dot at its end.
func isHost(s string) bool {
	if len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
		for _, c := range []byte(label) {
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return false
			}
		}
	}
	return true
}

// parseALPN reads a ProtocolNameList (RFC 7301, section 3.1).
func parseALPN(data []byte) ([]string, error) {
	r := reader{rest: data}
	list := reader{rest: r.vector16()}
	var out []string
	for len(list.rest) > 0 && !list.failed {
		name := list.vector8()
		if len(name) == 0 {
			list.failed = true
		}
		out = append(out, string(name))
	}
	if r.failed || list.failed || len(r.rest) > 0 || len(out) == 0 {
		return nil, fmt.Errorf("%w: its protocols are not a list of names", ErrMalformed)
	}
	return out, nil
}

// reader takes fields off the front of rest. Once one does not fit, failed is
// set and what is returned means nothing.
type reader struct {
	rest   []byte
	failed bool
}

func (r *reader) bytes(n int) []byte {
	if len(r.rest) < n {
		r.failed, r.rest = true, nil
		return make([]byte, n)
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) uint16() uint16 { return binary.BigEndian.Uint16(r.bytes(2)) }

// vector8 and vector16 read bytes behind their length.
func (r *reader) vector8() []byte  { return r.vector(int(r.bytes(1)[0])) }
func (r *reader) vector16() []byte { return r.vector(int(r.uint16())) }

func (r *reader) vector(n int) []byte {
	if r.failed {
		return nil
	}
	return r.bytes(n)
}
