package node

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Kind says what a frame carries.
type Kind uint8

// The requests of a sensor. KindHello is the first one and the only one that
// comes once.
const (
	KindHello Kind = iota + 1
	KindEndpoints
	KindForget
	KindRead
	KindPing
)

// The answers of an agent. KindWelcome and KindRefusal answer KindHello, and
// KindDone ends the answer to everything else; only that to KindRead has flows
// before it.
const (
	KindWelcome Kind = iota + 65
	KindRefusal
	KindFlow
	KindDone
)

// MaxFrame bounds the size of what a frame carries, in bytes.
const MaxFrame = 64 << 10

// ErrMalformed says that a frame is not as the protocol has it.
var ErrMalformed = errors.New("malformed frame")

// header is the kind and the size of what follows, in network byte order.
const header = 5

// Write writes a frame.
func Write(w io.Writer, kind Kind, payload []byte) error {
	if len(payload) > MaxFrame {
		return fmt.Errorf("%w: %d bytes exceed %d", ErrMalformed, len(payload), MaxFrame)
	}
	frame := make([]byte, header, header+len(payload))
	frame[0] = byte(kind)
	binary.BigEndian.PutUint32(frame[1:], uint32(len(payload)))
	_, err := w.Write(append(frame, payload...))
	return err
}

// WriteMessage writes a frame with a message in JSON; nil stands for none.
func WriteMessage(w io.Writer, kind Kind, message any) error {
	if message == nil {
		return Write(w, kind, nil)
	}
	payload, err := json.Marshal(message)
	if err != nil {
		return fmt.Errorf("encoding a message: %w", err)
	}
	return Write(w, kind, payload)
}

// Read reads a frame that carries at most limit bytes. Nothing is allocated for
// one that is larger. At the end of the connection, between two frames, the
// error is io.EOF.
func Read(r io.Reader, limit uint32) (Kind, []byte, error) {
	var head [header]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	size := binary.BigEndian.Uint32(head[1:])
	if size > min(limit, MaxFrame) {
		return 0, nil, fmt.Errorf("%w: %d bytes exceed %d", ErrMalformed, size, min(limit, MaxFrame))
	}
	payload := make([]byte, size)
	if _, err := io.ReadFull(r, payload); err != nil {
		return 0, nil, fmt.Errorf("reading a frame: %w", err)
	}
	return Kind(head[0]), payload, nil
}

// Decode reads what a frame carries into a message.
func Decode(payload []byte, message any) error {
	if err := json.Unmarshal(payload, message); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return nil
}
