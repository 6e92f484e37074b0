package proxyproto

import (
	"errors"
	"net/netip"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// MaxHeader bounds a header of either version, in bytes. Version 2 could go to
// 64 KiB, but what real senders put behind the addresses, the longest of which
// are certificates, fits into 4 KiB.
const MaxHeader = 4096

// The errors of Parse.
var (
	// ErrIncomplete says that the bytes are the beginning of a header so far.
	ErrIncomplete = errors.New("the PROXY header is incomplete")
	// ErrMalformed says that the bytes are not a header.
	ErrMalformed = errors.New("not a PROXY header")
	// ErrTooLong says that a header has more than MaxHeader bytes.
	ErrTooLong = errors.New("the PROXY header is too long")
)

// Header says whose connection it is. Both addresses are of one family, and
// IPv4 ones never in their IPv6 form. Where they are not valid, the sender told
// none: it speaks for itself (LOCAL), or does not know (UNKNOWN, AF_UNSPEC), or
// the client came through a Unix socket. The connection's own addresses are the
// ones to use then.
type Header struct {
	Source, Destination netip.AddrPort
}

// Parse reads the header that b begins with, and returns its length in bytes.
// It returns ErrIncomplete as long as more bytes may make a header of b, and
// ErrMalformed or ErrTooLong as soon as none can.
func Parse(b []byte) (h Header, n int, err error) {
	if len(b) == 0 {
		return Header{}, 0, ErrIncomplete
	}
	if b[0] == signature[0] {
		return parseV2(b)
	}
	return parseV1(b)
}

// Own returns the header of a connection by which the proxy speaks for itself, of
// no client: LOCAL, for which version 1 has no more than UNKNOWN. It is empty where
// none is to be sent.
func Own(version proxyconfig.ProxyVersion) []byte {
	switch version {
	case proxyconfig.ProxyV1:
		return AppendV1(nil, netip.AddrPort{}, netip.AddrPort{})
	case proxyconfig.ProxyV2:
		return AppendV2(nil, netip.AddrPort{}, netip.AddrPort{})
	}
	return nil
}

// unmapped makes a Header of two addresses.
func unmapped(src, dst netip.AddrPort) Header {
	src = netip.AddrPortFrom(src.Addr().Unmap(), src.Port())
	dst = netip.AddrPortFrom(dst.Addr().Unmap(), dst.Port())
	if src.Addr().Is4() != dst.Addr().Is4() {
		src, dst = as6(src), as6(dst)
	}
	return Header{src, dst}
}

// as6 is an address in its IPv6 form.
func as6(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom16(a.Addr().As16()), a.Port())
}

// known says whether the header tells addresses.
func (h Header) known() bool { return h.Source.IsValid() && h.Destination.IsValid() }
