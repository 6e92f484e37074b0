package proxyproto

import (
	"encoding/binary"
	"net/netip"
)

// signature begins a header of version 2.
const signature = "\r\n\r\n\x00\r\nQUIT\n"

// The fixed part of version 2: the signature, version and command, family and
// transport, and the length of what follows.
const (
	fixedV2   = 16
	commandAt = 12
	familyAt  = 13
	lengthAt  = 14

	commandLocal = 0x20
	commandProxy = 0x21
)

// The families that version 2 knows, each in the upper half of its byte.
const (
	familyUnspecified = 0
	familyIPv4        = 1
	familyIPv6        = 2
	familyUnix        = 3
)

// addressLength is what a family's two addresses take, with their ports.
func addressLength(family byte) int { return [...]int{0, 12, 36, 216}[family] }

func parseV2(b []byte) (Header, int, error) {
	if n := min(len(b), len(signature)); string(b[:n]) != signature[:n] {
		return Header{}, 0, ErrMalformed
	}
	if len(b) < fixedV2 {
		return Header{}, 0, ErrIncomplete
	}
	length := int(binary.BigEndian.Uint16(b[lengthAt:]))
	family, transport := b[familyAt]>>4, b[familyAt]&0xf
	switch {
	case b[commandAt] == commandLocal:
		// The rest is to be skipped, whatever it says.
		family = familyUnspecified
	case b[commandAt] != commandProxy, family > familyUnix, transport > 2,
		(family == familyUnspecified) != (transport == 0), length < addressLength(family):
		return Header{}, 0, ErrMalformed
	}
	end := fixedV2 + length
	if end > MaxHeader {
		return Header{}, 0, ErrTooLong
	}
	if len(b) < end {
		return Header{}, 0, ErrIncomplete
	}
	// What follows the addresses are TLVs, none of which is needed.
	return addressesV2(family, b[fixedV2:end]), end, nil
}

func addressesV2(family byte, b []byte) Header {
	be := binary.BigEndian
	switch family {
	case familyIPv4:
		return unmapped(
			netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[0:4])), be.Uint16(b[8:])),
			netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:8])), be.Uint16(b[10:])))
	case familyIPv6:
		return unmapped(
			netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[0:16])), be.Uint16(b[32:])),
			netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[16:32])), be.Uint16(b[34:])))
	}
	return Header{}
}

// AppendV2 appends a header of version 2 for a TCP connection. Where an address
// is not valid, it says LOCAL.
func AppendV2(b []byte, source, destination netip.AddrPort) []byte {
	const stream = 1
	h := unmapped(source, destination)
	b = append(b, signature...)
	switch {
	case !h.known():
		return append(b, commandLocal, 0, 0, 0)
	case h.Source.Addr().Is4():
		b = append(b, commandProxy, familyIPv4<<4|stream, 0, 12)
	default:
		b = append(b, commandProxy, familyIPv6<<4|stream, 0, 36)
	}
	b = append(b, h.Source.Addr().AsSlice()...)
	b = append(b, h.Destination.Addr().AsSlice()...)
	b = binary.BigEndian.AppendUint16(b, h.Source.Port())
	return binary.BigEndian.AppendUint16(b, h.Destination.Port())
}
