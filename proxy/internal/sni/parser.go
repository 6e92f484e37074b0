package sni

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// MaxHello bounds what is read for one hello, the headers of its records
// included. A hello with post-quantum key shares and a session ticket has 2 to
// 4 KiB, and takes six times that where each byte comes in a record of its own.
// 64 KiB is what crypto/tls accepts as one message.
const MaxHello = 64 << 10

// The errors of a Parser.
var (
	// ErrIncomplete says that the bytes are the beginning of a hello so far.
	ErrIncomplete = errors.New("the TLS hello is incomplete")
	// ErrMalformed says that the bytes are not a hello. Errors wrap it, and say
	// more.
	ErrMalformed = errors.New("not a TLS hello")
	// ErrTooLong says that a hello takes more than MaxHello bytes.
	ErrTooLong = errors.New("the TLS hello is too long")
)

// Hello is what a client's first message tells.
type Hello struct {
	// ServerName is the host that the client asks for, in lower case, or empty
	// if it does not say.
	ServerName string
	// ALPN are the protocols that it offers, most wanted first.
	ALPN []string
}

// Parser reads one hello that comes bit by bit. Each byte is looked at once,
// so that a client that sends single bytes costs no more than others. The zero
// Parser is ready; it is not safe for concurrent use.
type Parser struct {
	// read counts the bytes that were taken apart already.
	read int
	// message is what the records held so far.
	message []byte
}

const (
	recordHeader = 5
	// maxRecord is the greatest plaintext of a record (RFC 8446, section 5.1).
	maxRecord       = 1 << 14
	recordHandshake = 22

	messageHeader    = 4
	messageHello     = 1
	versionMajorByte = 3
)

// Parse looks for a hello at the start of b, which is all that the client has
// sent so far: what the call before got, and what came after it. It returns
// ErrIncomplete as long as more bytes may make a hello of b, and another error
// as soon as none can. What follows the hello's last record is not looked at.
func (p *Parser) Parse(b []byte) (Hello, error) {
	for {
		if body, ok, err := p.body(); ok || err != nil {
			if err != nil {
				return Hello{}, err
			}
			return parseBody(body)
		}
		payload, err := nextRecord(b[p.read:])
		if err == nil && p.read+recordHeader+len(payload) > MaxHello {
			err = ErrTooLong
		}
		if errors.Is(err, ErrIncomplete) && len(b) >= MaxHello {
			err = ErrTooLong
		}
		if err != nil {
			return Hello{}, err
		}
		p.message = append(p.message, payload...)
		p.read += recordHeader + len(payload)
	}
}

// nextRecord returns what the record at the start of b carries.
func nextRecord(b []byte) ([]byte, error) {
	if len(b) > 0 && b[0] != recordHandshake || len(b) > 1 && b[1] != versionMajorByte {
		return nil, fmt.Errorf("%w: no handshake record", ErrMalformed)
	}
	if len(b) < recordHeader {
		return nil, ErrIncomplete
	}
	n := int(binary.BigEndian.Uint16(b[3:]))
	if n == 0 || n > maxRecord {
		return nil, fmt.Errorf("%w: a record of %d bytes", ErrMalformed, n)
	}
	if len(b) < recordHeader+n {
		return nil, ErrIncomplete
	}
	return b[recordHeader : recordHeader+n], nil
}

// body returns the message without its header, once it is there.
func (p *Parser) body() (body []byte, ok bool, err error) {
	m := p.message
	if len(m) > 0 && m[0] != messageHello {
		return nil, false, fmt.Errorf("%w: message of type %d", ErrMalformed, m[0])
	}
	if len(m) < messageHeader {
		return nil, false, nil
	}
	end := messageHeader + int(m[1])<<16 + int(m[2])<<8 + int(m[3])
	switch {
	case end > MaxHello:
		return nil, false, ErrTooLong
	case len(m) < end:
		return nil, false, nil
	case len(m) > end:
		return nil, false, fmt.Errorf("%w: another message follows in its record", ErrMalformed)
	}
	return m[messageHeader:end], true, nil
}
