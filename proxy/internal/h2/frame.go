package h2

import "encoding/binary"

// The frame types (RFC 9113, section 6).
const (
	typeData uint8 = iota
	typeHeaders
	typePriority
	typeReset
	typeSettings
	typePush
	typePing
	typeGoAway
	typeWindowUpdate
	typeContinuation
)

// The frame flags.
const (
	flagAck        = 0x1
	flagEndStream  = 0x1
	flagEndHeaders = 0x4
	flagPadded     = 0x8
	flagPriority   = 0x20
)

const (
	// preface is what a client sends first.
	preface     = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	frameHeader = 9
	// maxFrame is the size of the largest payload that is accepted, and of the
	// largest that is sent: every peer takes it, whatever it announces.
	maxFrame  = 16384
	maxWindow = 1<<31 - 1
	maxStream = 1<<31 - 1
)

// frame is a frame whose payload is a part of the input.
type frame struct {
	kind, flags uint8
	id          uint32
	payload     []byte
}

func (f *frame) has(flag uint8) bool { return f.flags&flag != 0 }

func frameLen(b []byte) int { return int(b[0])<<16 | int(b[1])<<8 | int(b[2]) }

// parseFrame reads the whole frame b.
func parseFrame(b []byte) frame {
	return frame{kind: b[3], flags: b[4], id: binary.BigEndian.Uint32(b[5:]) & maxStream, payload: b[frameHeader:]}
}

// unpad returns the payload without its padding.
func (f *frame) unpad() ([]byte, *Error) {
	p := f.payload
	if !f.has(flagPadded) {
		return p, nil
	}
	if len(p) == 0 {
		return nil, errFrameSize
	}
	n := int(p[0])
	if n >= len(p) {
		return nil, errPadding
	}
	return p[1 : len(p)-n], nil
}

func appendFrameHeader(out []byte, length int, kind, flags uint8, id uint32) []byte {
	out = append(out, byte(length>>16), byte(length>>8), byte(length), kind, flags)
	return binary.BigEndian.AppendUint32(out, id)
}

func appendReset(out []byte, id uint32, code Code) []byte {
	return binary.BigEndian.AppendUint32(appendFrameHeader(out, 4, typeReset, 0, id), uint32(code))
}

func appendWindowUpdate(out []byte, id uint32, n int) []byte {
	return binary.BigEndian.AppendUint32(appendFrameHeader(out, 4, typeWindowUpdate, 0, id), uint32(n))
}

func appendPing(out []byte, flags uint8, data []byte) []byte {
	return append(appendFrameHeader(out, 8, typePing, flags, 0), data...)
}

func appendGoAway(out []byte, last uint32, code Code, reason string) []byte {
	out = appendFrameHeader(out, 8+len(reason), typeGoAway, 0, 0)
	out = binary.BigEndian.AppendUint32(out, last)
	return append(binary.BigEndian.AppendUint32(out, uint32(code)), reason...)
}
